//! Pods that wait behind a scheduling gate.

use anyhow::Result;
use e2e::kit::{Namespace, PodManifest, pod, with_temp_ns};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

#[tokio::test]
async fn a_gated_pod_is_scheduled_once_its_terms_hold() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(gated("app")).await?;
        app.is_held().await?;
        assert_eq!(gates_of(&app.get().await?), [OURS]);

        ns.store().create("first/container").await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gate_whose_terms_hold_already_opens_at_once() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.store().create("first/container").await?;
        let app = ns.create_pod(gated("app")).await?;
        app.is_running().await?;
        assert!(gates_of(&app.get().await?).is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_gate_of_another_component_stays() -> Result<()> {
    with_temp_ns(async |ns| {
        let theirs = json!([{"name": "example.com/quota"}]);
        let app = gated("app").spec(json!({"schedulingGates": theirs}));
        let app = ns.create_pod(app).await?;
        app.is_held().await?;
        ns.store().create("first/container").await?;
        let opened = app.until("has lost our gate", |pod| {
            !gates_of(pod).contains(&OURS.to_owned())
        });
        assert_eq!(gates_of(&opened.await?), ["example.com/quota"]);

        remove_gates(&ns, "app").await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gated_pod_that_fits_on_no_node_is_left_to_the_scheduler() -> Result<()> {
    with_temp_ns(async |ns| {
        let resources = json!({"resources": {"requests": {"cpu": "1000"}}});
        let app = ns.create_pod(gated("app").container(resources)).await?;
        app.is_held().await?;
        ns.store().create("first/container").await?;
        let unschedulable = |pod: &Pod| {
            let status = pod.status.iter();
            let mut conditions = status.flat_map(|it| it.conditions.iter().flatten());
            conditions.any(|it| {
                it.type_ == "PodScheduled" && it.reason.as_deref() == Some("Unschedulable")
            })
        };
        let left = app.until("is unschedulable", unschedulable).await?;
        assert!(gates_of(&left).is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gate_stays_after_a_timeout_and_opens_late() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = gated("app").annotate("depends-on-timeout", "1s");
        let app = ns.create_pod(app).await?;
        app.is_held().await?;
        let store = ns.store();
        let late = gated("late").depends_on("first/container, its/turn");
        let proceeds = late.annotate("depends-on-timeout", "2s");
        let proceeds = proceeds.annotate("depends-on-timeout-policy", "proceed");
        ns.create_pod(proceeds).await?.is_running().await?;
        assert_eq!(gates_of(&app.get().await?), [OURS]);

        store.create("first/container").await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

/// The gate that oncue adds.
const OURS: &str = "oncue.dev/depends-on";

/// Returns a pod that waits for `first/container` behind a gate.
fn gated(name: &str) -> PodManifest {
    let pod = pod(name).depends_on("first/container");
    pod.annotate("depends-on-mode", "gate")
}

fn gates_of(pod: &Pod) -> Vec<String> {
    let gates = pod.spec.iter().flat_map(|it| it.scheduling_gates.iter());
    gates.flatten().map(|gate| gate.name.clone()).collect()
}

async fn remove_gates(ns: &Namespace, pod: &str) -> Result<()> {
    let removal = r#"[{"op": "remove", "path": "/spec/schedulingGates"}]"#;
    let patch = ["patch", "pod", pod, "--type=json", "--patch", removal];
    ns.kubectl(&patch).text().await?;
    Ok(())
}
