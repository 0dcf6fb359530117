//! What a neighbour in the cluster could send to the store and to the webhook.

use anyhow::{Context, Result};
use e2e::kit::{LivePod, PLAIN_STORE_URL, STORE_URL, eventually, image, pod, with_temp_ns};

#[tokio::test]
async fn a_neighbour_is_refused_with_the_right_status_and_others_are_served() -> Result<()> {
    with_temp_ns(async |ns| {
        let neighbour = pod("neighbour").image(image::CURL);
        let neighbour = ns.create_pod(neighbour).await?;
        let waiting = ns.create_pod(pod("waiting").depends_on("go/now")).await?;
        neighbour.is_running().await?;
        waiting.is_held().await?;
        sh(&neighbour, IDLE).await?;
        for (attack, expected) in ATTACKS {
            let attack = attack
                .replace("STORE", STORE_URL)
                .replace("PLAIN", PLAIN_STORE_URL)
                .replace("WEBHOOK", WEBHOOK_URL);
            let said = sh(&neighbour, &attack).await?;
            let is_expected = expected.split('|').any(|it| said.trim() == it);
            assert!(is_expected, "{attack}: {said:?} instead of {expected}");
        }

        let second = ns.create_pod(pod("second").depends_on("go/now")).await?;
        second.is_held().await?;
        waiting.is_held().await?;
        ns.store().create("go/now").await?;
        waiting.is_running().await?;
        second.is_running().await?;
        eventually("the servers have closed what says nothing", async || {
            let closed = sh(&neighbour, "cat /tmp/closed | wc -l").await?;
            Ok((closed.trim() == "250").then_some(()))
        })
        .await
    })
    .await
}

/// Opens 250 connections that say nothing, that stop in a TLS handshake, and that stop in a request.
const IDLE: &str = r#"
store=oncue-store.oncue-system.svc.cluster.local
webhook=oncue-webhook.oncue-system.svc.cluster.local
idle() {
    for i in $(seq 50); do
        ( (printf "$3"; sleep 600) | (nc $1 $2 && echo >>/tmp/closed) ) >/dev/null 2>&1 &
    done
}
idle $store 9999 ''
idle $store 9999 '\026\003\001\002\000\001\000'
idle $store 9999 'POST / HTTP/1.1\r\nHost: store\r\nContent-Length: 100\r\n\r\n{'
idle $webhook 443 ''
idle $webhook 443 '\026\003\001\002\000\001\000'
"#;

/// What is sent, and the status of the answer, or `000` if there is none. A server that answers
/// before it has read everything may close the connection before curl reads the answer.
const ATTACKS: &[(&str, &str)] = &[
    // A review and a request that are longer than any.
    (
        "head -c 8000000 /dev/zero | CURL -H 'Content-Type: application/json' --data-binary @- WEBHOOK/mutate",
        "413",
    ),
    (
        "head -c 2000000 /dev/zero | CURL --data-binary @- PLAIN/",
        "413|000",
    ),
    // A token of a megabyte, one with a NUL, one that is no JWT, and two.
    (
        "(printf 'Authorization: Bearer '; head -c 1000000 /dev/zero | tr '\\0' a) >/tmp/token; \
         CURL -H @/tmp/token STORE/v1/identity",
        "431|000",
    ),
    (
        "printf 'GET /v1/identity HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer a\\0b\\r\\n\\r\\n' | STATUS",
        "400",
    ),
    (
        "CURL -H 'Authorization: Bearer abc' STORE/v1/identity",
        "401",
    ),
    (
        "CURL -H 'Authorization: Bearer a.b.c' -H 'Authorization: Bearer d.e.f' STORE/v1/identity",
        "401",
    ),
    (
        "CURL -H 'Authorization: Basic YTpi' STORE/v1/identity",
        "401",
    ),
    // No token, where one is needed.
    ("CURL STORE/v1/waiters", "401"),
    ("CURL STORE/metrics", "401"),
    (
        "CURL -X DELETE STORE/v1/namespaces/kube-system/variables/a",
        "401",
    ),
    // What is no HTTP, and no TLS.
    ("printf 'hello\\r\\n\\r\\n' | STATUS", "400|000"),
    ("printf '\\026\\003\\001\\377\\377nonsense' | STATUS", "000"),
    (
        "CURL http://oncue-webhook.oncue-system.svc.cluster.local:443/mutate",
        "400|000",
    ),
    ("CURL --tls-max 1.1 STORE/v1/identity", "000"),
    // What is no review.
    ("CURL -d '{' WEBHOOK/mutate", "415"),
    (
        "CURL -H 'Content-Type: application/json' -d '{\"kind\":\"Pod\"}' WEBHOOK/mutate",
        "400",
    ),
    ("CURL WEBHOOK/mutate", "405"),
    ("CURL WEBHOOK/../../etc/passwd --path-as-is", "404"),
];

const WEBHOOK_URL: &str = "https://oncue-webhook.oncue-system.svc.cluster.local:443";

/// Runs a script in the neighbour. `CURL` prints the status alone, and so does `STATUS`, which sends
/// its input as it is.
async fn sh(neighbour: &LivePod, script: &str) -> Result<String> {
    let script = script
        .replace(
            "CURL",
            "curl -sk --http1.1 -m 20 -o /dev/null -w '%{http_code}'",
        )
        .replace(
            "STATUS",
            "(cat; sleep 1) | nc -w 5 oncue-store.oncue-system.svc.cluster.local 9999 | head -1 | \
             tr -d '\\r' | awk 'BEGIN {s = \"000\"} /^HTTP/ {s = $2} END {print s}'",
        );
    let ran = neighbour
        .exec(&["sh", "-c", &format!("{script}\ntrue")])
        .await;
    ran.with_context(|| format!("in {script}"))
}
