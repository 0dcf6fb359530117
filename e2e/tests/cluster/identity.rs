//! What the store believes of callers, and what they may do.

use anyhow::Result;
use e2e::kit::{
    AUDIENCE, LivePod, Namespace, STORE_URL, Store, WAIT, eventually, forged, image, pod,
    with_temp_ns,
};
use http::{Method, StatusCode};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

#[tokio::test]
async fn a_pod_signals_in_its_own_namespace_only_and_as_itself() -> Result<()> {
    with_temp_ns(async |ns| {
        let began = Timestamp::now();
        let own = ns.create_pod(pod("own").unscheduled()).await?;
        let other = ns.create_pod(pod("other").unscheduled()).await?;
        let token = own.token(AUDIENCE).await?;
        let store = ns.store().with_token(&token);
        let identity = store.identity().await?;
        assert_eq!(identity["pod"], "own", "{identity}");
        assert_eq!(identity["namespace"], ns.name(), "{identity}");
        assert_eq!(identity["uid"], own.uid().await?, "{identity}");

        store.create("own/up").await?;
        assert_eq!(store.owners("own/up").await?, [own.uid().await?]);
        let who = format!("who=pod {}/own", ns.name());
        let change = [&*who, "action=\"assert\"", "name=own/up", "outcome=\"created\""];
        ns.store_logs(began, &change).await?;

        let owner = |pod: &LivePod, uid: &str| {
            json!({"owner": {"namespace": ns.name(), "name": pod.name(), "uid": uid}})
        };
        let elsewhere = Namespace::existing("default").await?.store().with_token(&token);
        let wait = Some(json!({"terms": ["a/b"]}));
        let in_own_name = "a pod signals in its own name only";
        let in_own_namespace = "a pod signals and waits in its own namespace only";
        for (store, request, reason, label) in [
            (
                &store,
                (PUT, SIGNAL, Some(owner(&other, &other.uid().await?))),
                in_own_name,
                "other-owner",
            ),
            (&store, (PUT, SIGNAL, Some(owner(&own, "made-up"))), in_own_name, "other-owner"),
            (&elsewhere, (PUT, SIGNAL, Some(json!({}))), in_own_namespace, "other-namespace"),
            (&elsewhere, (Method::DELETE, SIGNAL, None), in_own_namespace, "other-namespace"),
            (&elsewhere, (Method::POST, "wait", wait), in_own_namespace, "other-namespace"),
        ] {
            is_refused(store, request, (StatusCode::FORBIDDEN, reason)).await?;
            let refusal = [&*who, "outcome=\"refused\"", &format!("reason=\"{label}\"")];
            ns.store_logs(began, &refusal).await?;
        }
        assert_eq!(ns.store().variables().await?, ["own/up"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_token_that_is_forged_foreign_or_of_a_deleted_pod_is_refused() -> Result<()> {
    with_temp_ns(async |ns| {
        let began = Timestamp::now();
        let own = ns.create_pod(pod("own").unscheduled()).await?;
        let other = ns.create_pod(pod("other").unscheduled()).await?;
        let token = own.token(AUDIENCE).await?;
        let another = other.token(AUDIENCE).await?;
        let with = |token: &str| ns.store().with_token(token);
        let unauthorized = StatusCode::UNAUTHORIZED;
        for (store, (status, reason), label) in [
            (
                ns.store().anonymous(),
                (unauthorized, "has no token"),
                "no-token",
            ),
            (with("abc"), (unauthorized, "is not a JWT"), "not-jwt"),
            (with("a b"), (unauthorized, "is not a JWT"), "not-jwt"),
            (
                with(&own.token("vault").await?),
                (unauthorized, "is not meant for the store"),
                "other-audience",
            ),
            (
                with(&ns.expired_copy(&token).await?),
                (unauthorized, "has expired"),
                "expired",
            ),
            (
                with(&forged(&another, &token)?),
                (unauthorized, "the API server does not accept the token"),
                "refused",
            ),
            (
                with(&ns.account_token().await?),
                (StatusCode::FORBIDDEN, "may only ask who it is"),
                "unknown-account",
            ),
        ] {
            let refused = is_refused(&store, (PUT, SIGNAL, Some(json!({}))), (status, reason));
            refused.await?;
            let refusal = ["outcome=\"refused\"", &format!("reason=\"{label}\"")];
            ns.store_logs(began, &refusal).await?;
        }
        assert_eq!(ns.store().variables().await?, Vec::<String>::new());
        ends_with_its_pod(&ns).await
    })
    .await
}

/// Checks that the token of a deleted pod is refused, although it was accepted before.
async fn ends_with_its_pod(ns: &Namespace) -> Result<()> {
    let app = pod("app").signals("app/up").unscheduled();
    let app = ns.create_pod(app).await?;
    let store = ns.store().with_token(&app.token(AUDIENCE).await?);
    store.create("app/up").await?;
    app.delete().await?;
    app.is_gone().await?;
    eventually("the token is refused", async || {
        let answer = store.answer(PUT, SIGNAL, Some(json!({}))).await?;
        Ok((answer.0 == StatusCode::UNAUTHORIZED).then_some(()))
    })
    .await?;
    let refusal = (StatusCode::UNAUTHORIZED, "its pod or account is gone");
    is_refused(&store, (PUT, SIGNAL, Some(json!({}))), refusal).await?;
    ns.store().until_gone("app/up").await
}

/// The certificates of the API server's own authority vouch for another server.
#[tokio::test]
async fn a_client_that_does_not_trust_the_store_says_why_and_keeps_waiting() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.store().create("go/now").await?;
        let other = json!({"name": "kube-root-ca.crt", "key": "ca.crt"});
        let wary = pod("wary").image(image::SCRATCH).container(json!({
            "command": ["/oncue-client", "wait", "go/now"],
            "env": [
                {"name": "ONCUE_SERVER", "value": STORE_URL},
                {"name": "ONCUE_CA", "valueFrom": {"configMapKeyRef": other}},
            ],
        }));
        let wary = ns.create_pod(wary).await?;
        let why = "none of the CAs that are trusted here has signed it";
        wary.prints("wary", why).await?;
        wary.prints("wary", "trying again").await?;
        assert_eq!(wary.run_of("wary").await?.restarts, 0);
        wary.is_running().await?;
        Ok(())
    })
    .await
}

/// In all the ways in which a careless client may send them.
#[tokio::test]
async fn nothing_prints_tokens_or_values() -> Result<()> {
    with_temp_ns(async |ns| {
        let began = Timestamp::now();
        let waiting = pod("waiting").depends_on("it/set").signals("waiting/up");
        let waiting = ns.create_pod(waiting).await?;
        waiting.is_held().await?;
        let own = pod("own").signals("own/up").unscheduled();
        let own = ns.create_pod(own).await?;
        let token = own.token(AUDIENCE).await?;
        let wrong = forged(&token, &own.token("vault").await?)?;
        let value: String = (0..32).map(|_| fastrand::alphanumeric()).collect();
        let put = |body: &Value| (PUT, "variables/it/set", Some(body.clone()));
        for (store, (method, what, body)) in [
            (ns.store().with_token(&token), put(&json!({"value": value}))),
            (ns.store().with_token(&wrong), put(&json!({"value": value}))),
            (
                ns.store().with_token(&format!("{token} {value}")),
                put(&json!({})),
            ),
            (
                ns.store().anonymous(),
                put(&json!({"value": value, "token": token})),
            ),
            (
                ns.store().with_token(&token),
                put(&json!({"value": {"inside": value}})),
            ),
            (
                ns.store().with_token(&token),
                put(&json!({"value": value.repeat(200)})),
            ),
            (
                ns.store().with_token(&token),
                (
                    Method::GET,
                    &*format!("variables?token={token}&{value}=x"),
                    None,
                ),
            ),
        ] {
            let _ = store.answer(method, what, body).await?;
        }
        ns.store().until(&format!("it/set={value}")).await?;
        waiting.is_running().await?;
        ns.store().until("waiting/up").await?;

        let token_ends = [&token, &wrong].map(|token| token[token.len() - 40..].to_owned());
        let planted = [&value, &token_ends[0], &token_ends[1]];
        let told = told_of(&ns, &waiting, began).await?;
        assert!(told.contains("name=it/set"), "{told}");
        for secret in planted {
            let line = told.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{secret} is printed");
        }
        Ok(())
    })
    .await
}

/// Returns all that oncue and a waiting pod print: logs, events, messages and metrics.
async fn told_of(ns: &Namespace, waiting: &LivePod, since: Timestamp) -> Result<String> {
    let mut told = String::new();
    for component in ["store", "webhook"] {
        told += &ns.log_of(component, since).await?;
    }
    told += &ns.store_metrics().await?;
    told += &waiting.log(WAIT).await?;
    told += &waiting.wait_ended().await?.message;
    told += &serde_json::to_string(&waiting.get().await?)?;
    told += &ns.kubectl(&["get", "events", "-o", "yaml"]).text().await?;
    Ok(told)
}

/// Checks that the store refuses a request with this status and this reason.
async fn is_refused(
    store: &Store,
    (method, what, body): (Method, &str, Option<Value>),
    (status, reason): (StatusCode, &str),
) -> Result<()> {
    let (answered, said) = store.answer(method, what, body).await?;
    let detail = said["detail"].as_str().unwrap_or_default();
    assert!(
        answered == status && detail.contains(reason),
        "{status} {reason}: {answered} {said}"
    );
    Ok(())
}

const PUT: Method = Method::PUT;

/// A variable that no test has.
const SIGNAL: &str = "variables/made/up";
