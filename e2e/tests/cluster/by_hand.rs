//! Pods without oncue's annotations, which call the store with `curl` and `wget` in loops.

use anyhow::Result;
use e2e::kit::{PodManifest, STORE_URL, image, pod, with_plain_ns};
use serde_json::json;

#[tokio::test]
async fn pods_by_hand_wait_for_each_other_with_curl_and_wget() -> Result<()> {
    with_plain_ns("e2e-plain-loops", async |ns| {
        let ask = |name| format!("{STORE_URL}/?variable={name}&namespace={}", ns.name());
        let body = |name| format!(r#"{{"variable":"{name}","namespace":"{}"}}"#, ns.name());

        let loop_of_wget = format!(
            "until wget -qO- '{}'; do sleep 1; done",
            ask("first/container")
        );
        let post_by_wget = format!(
            "wget -qO- --post-data '{}' {STORE_URL}/",
            body("second/dependent")
        );
        let second = waits(pod("second"), image::BUSYBOX, &loop_of_wget);
        let second = ns.create_pod(signals(second, &post_by_wget)).await?;
        second.is_not_injected().await?;
        second.prints("wait-by-hand", "404").await?;

        let post_by_curl = format!("curl -f -d '{}' {STORE_URL}/", body("first/container"));
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
    with_plain_ns("e2e-plain-beside-annotations", async |ns| {
        let second = ns
            .create_pod(pod("second").depends_on("first/container"))
            .await?;
        second.is_held().await?;

        let body = format!(
            r#"{{"variable":"first/container","namespace":"{}"}}"#,
            ns.name()
        );
        let post = format!("wget -qO- --post-data '{body}' {STORE_URL}/");
        ns.create_pod(signals(pod("first"), &post)).await?;
        second.is_running().await?;
        Ok(())
    })
    .await
}

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
