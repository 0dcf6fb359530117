//! Pods without oncue's annotations, which call the store with `curl` and `wget` in loops.

use anyhow::Result;
use e2e::kit::{
    AUDIENCE, Namespace, PLAIN_STORE_URL, PodManifest, STORE_URL, image, pod, with_plain_ns,
    with_temp_ns,
};
use serde_json::{Value, json};

#[tokio::test]
async fn pods_by_hand_wait_for_each_other_in_plain_http_where_it_is_allowed() -> Result<()> {
    with_plain_ns("e2e-plain-loops", async |ns| {
        let ask = |name| format!("{PLAIN_STORE_URL}/?variable={name}&namespace={}", ns.name());
        let body = |name| json!({"variable": name, "namespace": ns.name()});

        let loop_of_wget = format!(
            "until wget -qO- '{}'; do sleep 1; done",
            ask("first/container")
        );
        let post_by_wget = format!(
            "wget -qO- --post-data '{}' {PLAIN_STORE_URL}/",
            body("second/dependent")
        );
        let second = waits(pod("second"), image::BUSYBOX, &loop_of_wget);
        let second = ns.create_pod(signals(second, &post_by_wget)).await?;
        second.is_not_injected().await?;
        second.prints("wait-by-hand", "404").await?;

        let post_by_curl = format!(
            "curl -f -d '{}' {PLAIN_STORE_URL}/",
            body("first/container")
        );
        let first = signals(pod("first").image(image::CURL), &post_by_curl);
        ns.create_pod(first).await?;
        second.is_running().await?;

        let loop_of_curl = format!(
            "until curl -f '{}'; do sleep 1; done",
            ask("second/dependent")
        );
        let third = ns
            .create_pod(waits(pod("third"), image::CURL, &loop_of_curl))
            .await?;
        third.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pods_by_hand_and_annotated_pods_work_together() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = pod("second").depends_on("first/container");
        let second = ns.create_pod(second.signals("second/up")).await?;
        second.is_held().await?;

        // The namespace is the token's.
        let post = format!("{CURL} --data '{{\"variable\":\"first/container\"}}' {STORE_URL}/");
        let first = with_token(&ns, pod("first").script("sleep infinity")).await?;
        let first = signals(first, &post);
        ns.create_pod(first).await?;
        second.is_running().await?;
        let ask = format!("{CURL} '{STORE_URL}/?variable=second/up'");
        // A line without its end would not be in the log yet.
        let third = format!("until {ask}; do sleep 1; done; echo; sleep infinity");
        let third = with_token(&ns, pod("third").script(&third)).await?;
        let third = ns.create_pod(third).await?;
        third.prints("third", "second/up").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn plain_http_without_a_token_learns_and_changes_nothing() -> Result<()> {
    with_temp_ns(async |ns| {
        let caller = with_token(&ns, pod("caller").script("sleep infinity")).await?;
        let caller = ns.create_pod(caller).await?;
        caller.is_running().await?;
        let namespace = format!("namespace={}", ns.name());
        let own = format!("{PLAIN_STORE_URL}/v1/namespaces/{}", ns.name());
        let plain = "curl -sS -w ' %{http_code}'";
        let token = "-H \"Authorization: Bearer $(cat /token/token)\"";
        let wait = r#"-d '{"terms":["a/b"]}'"#;
        for (call, status, reason) in [
            (
                format!("'{PLAIN_STORE_URL}/?variable=a/b&{namespace}'"),
                "403",
                "over plain HTTP",
            ),
            (
                format!("-d '{{\"variable\":\"a/b\"}}' '{PLAIN_STORE_URL}/?{namespace}'"),
                "403",
                "over plain HTTP",
            ),
            (format!("'{own}/variables'"), "403", "over plain HTTP"),
            (
                format!("-X PUT -d '{{}}' '{own}/variables/a/b'"),
                "403",
                "over plain HTTP",
            ),
            (format!("{wait} '{own}/wait'"), "403", "over plain HTTP"),
            (
                format!("{token} '{own}/variables'"),
                "401",
                "came over plain HTTP",
            ),
        ] {
            let answer = caller
                .exec(&["sh", "-c", &format!("{plain} {call}")])
                .await?;
            assert!(answer.contains(reason), "{call}: {answer}");
            assert!(answer.ends_with(&format!(" {status}")), "{call}: {answer}");
        }
        assert_eq!(ns.store().variables().await?, Vec::<String>::new());
        Ok(())
    })
    .await
}

/// Calls the store with the pod's token, and verifies its certificate.
const CURL: &str = "printf %s \"$CA\" >/tmp/ca && \
                    curl -fsS --cacert /tmp/ca -H \"Authorization: Bearer $(cat /token/token)\"";

fn waits(pod: PodManifest, image: &str, script: &str) -> PodManifest {
    pod.spec(json!({"initContainers": [{
        "name": "wait-by-hand",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
    }]}))
}

fn signals(pod: PodManifest, script: &str) -> PodManifest {
    pod.container(json!({"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", script]}}}}))
}

/// Gives a pod curl, a token for the store in `/token`, and the authority in the variable `CA`.
async fn with_token(ns: &Namespace, pod: PodManifest) -> Result<PodManifest> {
    let token = json!({"audience": AUDIENCE, "expirationSeconds": 3600, "path": "token"});
    let sources = json!([{"serviceAccountToken": token}]);
    let volumes = json!([
        {"name": "token", "projected": {"sources": sources}},
    ]);
    let mounts: Value = json!([{"name": "token", "mountPath": "/token", "readOnly": true}]);
    let env = json!([{"name": "CA", "value": ns.authority().await?}]);
    let pod = pod.image(image::CURL).spec(json!({"volumes": volumes}));
    Ok(pod.container(json!({"env": env, "volumeMounts": mounts})))
}
