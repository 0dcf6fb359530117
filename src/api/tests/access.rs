//! Who may do what, as callers see it: tokens, refusals, and what ends with a token.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, StatusCode};
use oncue_core::access::Rules;
use serde_json::{Value, json};
use tokio::time::advance;

use super::kit::{Kit, Making, Reply, first_frame, mk_request, mk_wait};
use crate::{
    api::routes,
    identity::{
        Access, Authenticator, Guard, Making as AuthMaking, ManagedPods, fake::FakeReviews,
    },
    language::{Keys, Timestamp},
    life::ObservedPod,
    net::{Channel, Peer},
    store::Clock,
};

/// The API of a store that asks who calls.
pub(super) struct Guarded {
    pub(super) kit: Kit,
    pub(super) api: FakeReviews,
    guard: Arc<Guard>,
}

/// Far before any token expires.
#[derive(Debug)]
struct Morning;

impl Clock for Morning {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW * 1_000)
    }
}

/// The store's time and the end of tokens, in seconds.
const NOW: u64 = 1_000_000;
pub(super) const LATER: u64 = NOW + 3_600;

impl Guarded {
    pub(super) async fn new() -> Self {
        Self::with(Rules::default()).await
    }

    /// Lets pods of before and the namespace `legacy` go on over plain HTTP.
    async fn lenient() -> Self {
        let lenient = Self::with(Rules {
            accepts_plain: true,
            plain_namespaces: ["legacy".parse().unwrap()].into(),
        });
        let lenient = lenient.await;
        lenient.guard.pods.begin();
        lenient
    }

    async fn with(rules: Rules) -> Self {
        let api = FakeReviews::new();
        let pods = ManagedPods::default();
        let making = AuthMaking {
            budget: 1 << 20,
            operator: Some(crate::config::ObjectRef {
                namespace: "oncue-system".parse().unwrap(),
                name: "oncue-operator".parse().unwrap(),
            }),
            pods: pods.clone(),
        };
        let guard = Arc::new(Guard {
            rules,
            authenticator: Authenticator::new(api.client(), making),
            pods,
        });
        let making = Making {
            access: Access::Identified(Arc::clone(&guard)),
            clock: Arc::new(Morning),
            ..Making::default()
        };
        let kit = Kit::of(making).await;
        Self { kit, api, guard }
    }

    /// The controller sees a managed pod of `shop` that signals `first/up`.
    pub(super) fn see_pod(&self, name: &str) {
        let record = json!({"hash": "h", "signals": ["first/up"], "depends-on": ["a"]});
        let pod = json!({"metadata": {
            "namespace": "shop", "name": name, "uid": format!("uid-of-{name}"),
            "annotations": {"oncue.dev/injected": record.to_string()},
        }});
        let pod = ObservedPod::read(&pod, &Keys::default()).unwrap();
        self.guard.pods.put(&Arc::new(pod));
    }

    /// Sends `METHOD URI` with a body, and a token over TLS.
    pub(super) async fn send(&self, line: &str, (token, body): (&str, &str)) -> Reply {
        let mut request = mk(line, body);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request.extensions_mut().insert(Channel::Tls);
        self.kit.send(request).await
    }

    /// Sends a token that is none, quickly.
    pub(super) async fn refuse(&self) {
        let mut request = mk("GET /v1/identity", "");
        let bad = "Bearer bad".parse().unwrap();
        request.headers_mut().insert("authorization", bad);
        let Ok(response) = tower::ServiceExt::oneshot(self.kit.router.clone(), request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    async fn send_over(&self, channel: Channel, (line, body): (&str, &str)) -> Reply {
        let mut request = mk(line, body);
        request.extensions_mut().insert(channel);
        self.kit.send(request).await
    }

    async fn send_plain(&self, line: &str, body: &str) -> Reply {
        self.send_over(Channel::Plain, (line, body)).await
    }

    fn pod_token(&self) -> String {
        self.api.pod_token(("shop", "web"), LATER)
    }

    pub(super) fn operator_token(&self) -> String {
        self.api.account_token("oncue-operator", LATER)
    }
}

fn mk(line: &str, body: &str) -> Request<Body> {
    let (method, uri) = line.split_once(' ').unwrap();
    let mut request = mk_request(method, uri, body.to_owned());
    let peer = Peer::at("10.0.0.7:50000".parse().unwrap());
    request.extensions_mut().insert(peer);
    request
}

fn assert_refused(reply: &Reply, status: u16, code: &str) {
    let answered = (reply.status.as_u16(), reply.problem());
    assert_eq!(answered, (status, code.to_owned()), "{reply:?}");
    let challenge = if status == 401 { "Bearer" } else { "" };
    assert_eq!(reply.header("www-authenticate"), challenge);
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(!detail.contains('\n') && detail.len() > 20, "{detail}");
}

const FIRST: &str = "/v1/namespaces/shop/variables/first/up";

#[tokio::test]
async fn nothing_but_health_and_the_document_is_open_without_a_token() {
    let guarded = Guarded::new().await;
    for (path, _) in routes::table() {
        let uri = path.replace("{namespace}", "shop").replace("{*name}", "a");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            for channel in [Channel::Tls, Channel::Plain] {
                let query = if path == "/" && method == "GET" {
                    "?variable=a"
                } else {
                    ""
                };
                let line = format!("{method} {uri}{query}");
                let body = match path {
                    "/" => r#"{"variable":"a"}"#,
                    _ if path.ends_with("wait") => r#"{"terms":["a"]}"#,
                    _ => "",
                };
                let reply = guarded.send_over(channel, (&line, body)).await;
                let is_open = ["/healthz", "/readyz", "/openapi.json"].contains(&path);
                match reply.status.as_u16() {
                    200 => assert!(is_open, "{line}"),
                    // The name is read first: it is wrong for everyone.
                    400 => assert!(path.ends_with("variables/"), "{line}: {reply:?}"),
                    401 => assert_eq!(channel, Channel::Tls, "{line}"),
                    403 => assert_eq!(channel, Channel::Plain, "{line}"),
                    405 => {}
                    _ => panic!("{line}: {reply:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_pod_signals_in_its_own_name_whatever_the_request_says() {
    let guarded = Guarded::new().await;
    let token = guarded.pod_token();
    let own = json!({"owner": {"namespace": "shop", "name": "web", "uid": "uid-of-web"}});
    for body in ["", &own.to_string()] {
        let reply = guarded.send(&format!("PUT {FIRST}"), (&token, body)).await;
        assert!(reply.status.is_success(), "{reply:?}");
        let owner = &reply.json()["assertion"]["owner"];
        assert_eq!(owner["uid"], "uid-of-web", "{owner}");
        assert_eq!(reply.json()["assertion"]["kind"], "live");
    }
    for other in [
        json!({"owner": {"namespace": "shop", "name": "db", "uid": "uid-of-db"}}),
        json!({"owner": {"namespace": "shop", "name": "web", "uid": "older"}}),
        json!({"owner": {"namespace": "till", "name": "web", "uid": "uid-of-web"}}),
    ] {
        let body = other.to_string();
        let reply = guarded.send(&format!("PUT {FIRST}"), (&token, &body)).await;
        assert_refused(&reply, 403, "forbidden");
    }
    let elsewhere = "PUT /v1/namespaces/till/variables/a";
    let reply = guarded.send(elsewhere, (&token, "")).await;
    assert_refused(&reply, 403, "forbidden");
}

#[tokio::test]
async fn a_request_that_names_no_namespace_is_about_that_of_its_token() {
    let guarded = Guarded::new().await;
    let token = guarded.pod_token();
    let create = r#"{"variable":"a"}"#;
    let reply = guarded.send("POST /", (&token, create)).await;
    assert_eq!(reply.json()["namespace"], "shop", "{reply:?}");
    let reply = guarded.send("GET /?variable=a", (&token, "")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = guarded.send("POST /?config=till", (&token, create)).await;
    assert_refused(&reply, 403, "forbidden");
}

#[tokio::test]
async fn an_operator_does_everything_by_hand() {
    let guarded = Guarded::new().await;
    let token = guarded.operator_token();
    let reply = guarded.send(&format!("PUT {FIRST}"), (&token, "")).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.json()["assertion"].get("owner"), None);
    for line in ["GET /v1/variables", "GET /v1/waiters", "GET /metrics"] {
        let reply = guarded.send(line, (&token, "")).await;
        assert_eq!(reply.status, StatusCode::OK, "{line}");
        let of_pod = guarded.send(line, (&guarded.pod_token(), "")).await;
        assert_refused(&of_pod, 403, "forbidden");
    }
    let reply = guarded.send(&format!("DELETE {FIRST}"), (&token, "")).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_caller_can_ask_who_it_is() {
    let guarded = Guarded::new().await;
    let pod = json!({
        "identity": "pod", "namespace": "shop", "pod": "web", "uid": "uid-of-web",
        "node": "worker", "account": "default",
    });
    let account = |name: &str, kind: &str| {
        let user = format!("system:serviceaccount:oncue-system:{name}");
        json!({"identity": kind, "account": user})
    };
    for (token, expected) in [
        (guarded.pod_token(), pod),
        (
            guarded.operator_token(),
            account("oncue-operator", "operator"),
        ),
        (
            guarded.api.account_token("default", LATER),
            account("default", "account"),
        ),
    ] {
        let reply = guarded.send("GET /v1/identity", (&token, "")).await;
        assert_eq!(reply.json(), expected);
    }
    let open = Kit::new().await.get("/v1/identity").await;
    assert_eq!(open.json(), json!({"identity": "anonymous"}));
}

#[tokio::test]
async fn a_bad_token_is_told_in_one_line_what_is_wrong_with_it() {
    let guarded = Guarded::new().await;
    let expired = guarded.api.pod_token(("shop", "web"), NOW);
    let deleted = guarded.pod_token();
    guarded.api.forget(&deleted);
    let foreign = crate::identity::fake::mk_token(r#"{"aud":"api","exp":9999999}"#);
    let forged = crate::identity::fake::mk_token(r#"{"aud":"oncue","exp":9999999}"#);
    let long = "a".repeat(1 << 20);
    for (token, word) in [
        (&*expired, "expired"),
        (&deleted, "gone"),
        (&foreign, "audience oncue"),
        (&forged, "not of this cluster"),
        ("not-a-jwt", "not a JWT"),
        (&long, "8192 bytes"),
        ("", "no token"),
    ] {
        let reply = guarded.send(&format!("PUT {FIRST}"), (token, "")).await;
        assert_refused(&reply, 401, "unauthorized");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word), "{word}: {detail}");
    }
    // Even where anyone may ask, a bad token is a mistake.
    let lenient = Guarded::lenient().await;
    let line = "GET /?variable=a&namespace=legacy";
    assert_refused(&lenient.send(line, ("x", "")).await, 401, "unauthorized");
    let several = Request::get("/v1/identity").extension(Channel::Tls);
    let several = several.header("authorization", format!("Bearer {expired}"));
    let several = several.header("authorization", format!("Bearer {expired}"));
    let reply = guarded.kit.send(several.body(Body::empty()).unwrap()).await;
    assert_refused(&reply, 401, "unauthorized");
}

#[tokio::test]
async fn a_token_over_plain_http_is_refused_without_asking_whose_it_is() {
    let guarded = Guarded::lenient().await;
    let mut request = mk("GET /?variable=a&namespace=legacy", "");
    let bearer = format!("Bearer {}", guarded.pod_token()).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let reply = guarded.kit.send(request).await;
    assert_refused(&reply, 401, "unauthorized");
    assert!(guarded.api.asked().is_empty());
}

#[tokio::test]
async fn while_the_api_server_is_away_unknown_tokens_are_asked_to_come_back() {
    let guarded = Guarded::new().await;
    let (known, unknown) = (guarded.pod_token(), guarded.pod_token());
    guarded.see_pod("web");
    guarded.send("GET /v1/identity", (&known, "")).await;
    guarded.api.set_down(true);
    let reply = guarded.send("GET /v1/identity", (&known, "")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = guarded.send("GET /v1/identity", (&unknown, "")).await;
    assert_refused(&reply, 503, "identity-unavailable");
    assert_eq!(reply.header("retry-after"), "5");
}

#[tokio::test]
async fn a_peer_with_many_forged_tokens_gets_a_429() {
    let guarded = Guarded::new().await;
    let mut reply = None;
    for number in 0..70 {
        let claims = json!({"aud": "oncue", "exp": LATER, "n": number});
        let forged = crate::identity::fake::mk_token(&claims.to_string());
        reply = Some(guarded.send("GET /v1/identity", (&forged, "")).await);
    }
    assert_refused(&reply.unwrap(), 429, "too-many-tokens");
}

#[tokio::test]
async fn plain_namespaces_keep_the_two_classic_calls() {
    let guarded = Guarded::lenient().await;
    let create = r#"{"variable":"a","namespace":"legacy"}"#;
    let reply = guarded.send_plain("POST /", create).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let reply = guarded
        .send_plain("GET /?variable=a&config=legacy", "")
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    for line in [
        "GET /?variable=a",
        "GET /v1/namespaces/legacy/variables",
        "DELETE /v1/namespaces/legacy/variables/a",
        "PUT /v1/namespaces/legacy/variables/a",
    ] {
        assert_refused(&guarded.send_plain(line, "").await, 403, "forbidden");
    }
}

#[tokio::test]
async fn pods_of_before_wait_and_signal_what_they_declare_over_plain_http() {
    let guarded = Guarded::lenient().await;
    guarded.see_pod("web");
    let owner =
        |name: &str| json!({"namespace": "shop", "name": name, "uid": format!("uid-of-{name}")});
    let put =
        |name: &str, kind: Option<&str>| json!({"owner": owner(name), "kind": kind}).to_string();
    let wait = |name: &str| json!({"terms": ["a"], "waiter": owner(name)}).to_string();
    let (up, down) = (
        format!("PUT {FIRST}"),
        "PUT /v1/namespaces/shop/variables/first/down",
    );
    let (ask, ask_till) = (
        "POST /v1/namespaces/shop/wait",
        "POST /v1/namespaces/till/wait",
    );
    let refused = [
        (&*up, put("web", Some("durable")), 403),
        (&up, put("new", None), 503),
        (&up, "{}".to_owned(), 403),
        (down, put("web", None), 403),
        (ask, wait("new"), 503),
        (ask, mk_wait(&["a"], None), 403),
        (ask_till, wait("web"), 403),
    ];
    for (line, body, status) in refused {
        let reply = guarded.send_plain(line, &body).await;
        assert_eq!(reply.status.as_u16(), status, "{line} {body}: {reply:?}");
    }
    let reply = guarded.send_plain(&up, &put("web", None)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let reply = guarded.send_plain(ask, &wait("web")).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
}

#[tokio::test]
async fn who_waits_is_the_pod_of_the_token() {
    let guarded = Guarded::new().await;
    let token = guarded.pod_token();
    let line = "POST /v1/namespaces/shop/wait";
    let first = guarded.send(line, (&token, &mk_wait(&["a"], None))).await;
    let mut ask = json!({"terms": ["a"], "revision": first.json()["revision"]});
    ask["waiter"] = json!({"namespace": "shop", "name": "db", "uid": "uid-of-db"});
    let guarded = Arc::new(guarded);
    let held = {
        let (guarded, token) = (Arc::clone(&guarded), token.clone());
        tokio::spawn(async move { guarded.send(line, (&token, &ask.to_string())).await })
    };
    guarded.kit.until_waiters(1).await;
    let waiters = guarded
        .send("GET /v1/namespaces/shop/waiters", (&token, ""))
        .await;
    assert_eq!(waiters.json()["waiters"][0]["pod"], "web");
    held.abort();
    let reply = guarded
        .send(
            "POST /v1/namespaces/till/wait",
            (&token, &mk_wait(&["a"], None)),
        )
        .await;
    assert_refused(&reply, 403, "forbidden");
}

async fn hold(guarded: &Arc<Guarded>, token: &str) -> tokio::task::JoinHandle<Reply> {
    let line = "POST /v1/namespaces/shop/wait";
    let first = guarded.send(line, (token, &mk_wait(&["a"], None))).await;
    let revision = first.json()["revision"].as_str().unwrap().to_owned();
    let (held, token) = (Arc::clone(guarded), token.to_owned());
    let body = mk_wait(&["a"], Some(&revision));
    let held = tokio::spawn(async move { held.send(line, (&token, &body)).await });
    guarded.kit.until_waiters(1).await;
    held
}

#[tokio::test(start_paused = true)]
async fn a_held_wait_is_answered_when_its_pod_is_deleted_or_its_token_expires() {
    let guarded = Arc::new(Guarded::new().await);
    guarded.see_pod("web");
    let held = hold(&guarded, &guarded.pod_token()).await;
    guarded.guard.authenticator.forget_pod("uid-of-web");
    let reply = held.await.unwrap();
    assert_eq!(reply.json()["outcome"], "missing");

    advance(Duration::from_mins(1)).await;
    let begin = tokio::time::Instant::now();
    let expires_soon = guarded.api.pod_token(("shop", "web"), NOW + 7);
    let held = hold(&guarded, &expires_soon).await;
    assert_eq!(held.await.unwrap().json()["outcome"], "missing");
    assert_eq!(begin.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_its_pod_is_deleted_or_its_token_expires() {
    let guarded = Guarded::new().await;
    guarded.see_pod("web");
    let watch = async |token: String| {
        let mut request = mk("GET /v1/namespaces/shop/watch", "");
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request.extensions_mut().insert(Channel::Tls);
        let Ok(response) = tower::ServiceExt::oneshot(guarded.kit.router.clone(), request).await;
        let mut body = response.into_body();
        assert!(!first_frame(&mut body).await.is_empty());
        body
    };
    let mut body = watch(guarded.pod_token()).await;
    guarded.guard.authenticator.forget_pod("uid-of-web");
    assert!(first_frame(&mut body).await.is_empty());

    advance(Duration::from_mins(1)).await;
    let mut body = watch(guarded.api.pod_token(("shop", "web"), NOW + 7)).await;
    advance(Duration::from_secs(8)).await;
    assert!(first_frame(&mut body).await.is_empty());
}

#[tokio::test]
async fn refusals_are_counted_by_reason() {
    let guarded = Guarded::new().await;
    guarded.send("GET /v1/identity", ("x", "")).await;
    guarded
        .send("GET /v1/waiters", (&guarded.pod_token(), ""))
        .await;
    let metrics = guarded
        .send("GET /metrics", (&guarded.operator_token(), ""))
        .await;
    let metrics = Value::String(String::from_utf8(metrics.body.to_vec()).unwrap());
    for reason in ["not-jwt", "operators-only"] {
        let line = format!(r#"oncue_store_requests_refused_total{{reason="{reason}"}} 1"#);
        assert!(metrics.as_str().unwrap().contains(&line), "{metrics}");
    }
}
