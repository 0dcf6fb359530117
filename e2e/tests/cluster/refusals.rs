//! Rejections, as a user reads them in a terminal.

use anyhow::Result;
use e2e::kit::{Namespace, PodManifest, pod, with_temp_ns};
use serde_json::json;

#[tokio::test]
async fn a_rejection_has_the_column_and_the_correct_form() -> Result<()> {
    with_temp_ns(async |ns| {
        let said = refusal(&ns, pod("app").depends_on("first/container, db ready")).await?;
        assert!(
            said.contains(
                "admission webhook \"pods.oncue.dev\" denied the request: depends-on: column 21: \
                 in \"db ready\": \"ready\" was not expected here"
            ),
            "{said}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_rejection_lists_every_mistake() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app").depends_on("a b").signals("a/../b");
        let said = refusal(&ns, pod.annotate("depends-on-timeout", "5")).await?;
        for key in [
            "depends-on: column 3",
            "signals: column 1",
            "depends-on-timeout: \"5\"",
        ] {
            assert!(said.contains(key), "{key} in {said}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gate_is_rejected_in_front_of_a_probe() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app").depends_on("tcp://redis:6379");
        let said = refusal(&ns, pod.annotate("depends-on-mode", "gate")).await?;
        let why = "denied the request: depends-on: column 1: in \"tcp://redis:6379\": a gate waits \
                   before the pod has a network";
        assert!(said.contains(why), "{said}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gate_is_rejected_in_front_of_a_claim_of_the_pods_own() -> Result<()> {
    with_temp_ns(async |ns| {
        let claim = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data"}});
        let pod = pod("app")
            .depends_on("pvc:data")
            .spec(json!({"volumes": [claim]}));
        let said = refusal(&ns, pod.annotate("depends-on-mode", "gate")).await?;
        let why = "denied the request: depends-on: column 1: in \"persistentvolumeclaim:data\": \
                   the pod uses this claim itself";
        assert!(said.contains(why), "{said}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_dry_run_shows_the_injection_and_leaves_nothing_behind() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app").depends_on("first/container").signals("app/up");
        let flags = ["--dry-run=server", "-o", "yaml"];
        let shown = ns.kubectl_apply(pod, &flags).text().await?;
        assert!(shown.contains("name: oncue-wait"), "{shown}");
        assert!(shown.contains("- first/container"), "{shown}");
        assert_eq!(ns.pod_count().await?, 0);
        assert_eq!(ns.store().variables().await?, Vec::<String>::new());
        Ok(())
    })
    .await
}

/// Applies a pod that is rejected, and returns the output.
async fn refusal(ns: &Namespace, pod: PodManifest) -> Result<String> {
    let outcome = ns.kubectl_apply(pod, &[]).outcome().await?;
    assert!(!outcome.success, "it was let in: {}", outcome.all());
    assert_eq!(ns.pod_count().await?, 0);
    Ok(outcome.stderr)
}
