//! Pods with a `postStart` hook of their own.

use anyhow::Result;
use e2e::kit::{PLAIN_STORE_URL, PodManifest, eventually, pod, with_plain_ns};
use serde_json::json;

#[tokio::test]
async fn the_signal_follows_the_users_hook() -> Result<()> {
    with_plain_ns("e2e-plain-hook", async |ns| {
        let ask = format!(
            "{PLAIN_STORE_URL}/?variable=hook/may-end&namespace={}",
            ns.name()
        );
        let begin = post("hook/has-begun", ns.name());
        let hook = format!("{begin} && until wget -qO- '{ask}'; do sleep 1; done");
        ns.create_pod(hooked(&hook).signals("app/up")).await?;
        ns.store().until("hook/has-begun").await?;
        assert!(!ns.store().exists("app/up").await?);

        ns.store().create("hook/may-end").await?;
        ns.store().until("app/up").await
    })
    .await
}

#[tokio::test]
async fn a_failing_hook_fails_its_container_and_signals_nothing() -> Result<()> {
    with_plain_ns("e2e-plain-failing-hook", async |ns| {
        let hook = format!("{} && exit 7", post("hook/has-begun", ns.name()));
        let app = hooked(&hook).spec(json!({"restartPolicy": "Never"}));
        let app = ns.create_pod(app.signals("app/up")).await?;
        app.has_failed().await?;

        eventually("the kubelet tells of the hook", async || {
            let events = ns.events("FailedPostStartHook").await?;
            Ok((!events.is_empty()).then_some(()))
        })
        .await?;
        assert_eq!(ns.store().variables().await?, ["hook/has-begun"]);
        Ok(())
    })
    .await
}

/// Returns a pod with a `postStart` hook of its own.
fn hooked(script: &str) -> PodManifest {
    pod("app").container(json!({"lifecycle": {"postStart": {"exec": {
        "command": ["sh", "-c", script],
    }}}}))
}

/// Returns a command that creates a variable by hand.
fn post(variable: &str, namespace: &str) -> String {
    let body = json!({"variable": variable, "namespace": namespace});
    format!("wget -qO- --post-data '{body}' {PLAIN_STORE_URL}/")
}
