//! Pods that a person lets go.

use anyhow::Result;
use e2e::kit::{LivePod, Namespace, WAIT, pod, with_temp_ns};

const REASON: &str = "the mirror is down";

/// Creates pods that wait in an init container, behind a gate, and for a probe alone.
async fn create_waiting(ns: &Namespace) -> Result<[LivePod; 3]> {
    let inside = pod("inside").depends_on("never/there, !job:absent");
    let gated = pod("gated").depends_on("never/there");
    let gated = gated.annotate("depends-on-mode", "gate");
    // An address that nobody has.
    let probing = pod("probing").depends_on("tcp://192.0.2.1:6379");
    let pods = [
        ns.create_pod(inside).await?,
        ns.create_pod(gated).await?,
        ns.create_pod(probing).await?,
    ];
    for pod in &pods[..2] {
        pod.is_held().await?;
    }
    pods[2].prints(WAIT, "Waiting for 1 of 1").await?;
    Ok(pods)
}

async fn oncue(ns: &Namespace, args: &[&str]) -> Result<String> {
    ns.oncue(args).await?.text().await
}

#[tokio::test]
async fn a_person_lets_waiting_pods_go_one_by_one() -> Result<()> {
    with_temp_ns(async |ns| {
        let pods = create_waiting(&ns).await?;
        for pod in &pods {
            let name = format!("pod/{}", pod.name());
            oncue(&ns, &["release", &name, "--reason", REASON]).await?;
            pod.is_running().await?;
        }
        for pod in [&pods[0], &pods[2]] {
            let ending = pod.wait_ended().await?;
            assert_eq!(ending.code, 0);
            let is_told = ending.message.starts_with("Released by hand after");
            assert!(is_told && ending.message.ends_with(REASON), "{ending:?}");
        }
        let status = oncue(&ns, &["status"]).await?;
        assert_eq!(status.matches(REASON).count(), 3, "{status}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn all_waiting_pods_are_let_go_before_an_uninstallation() -> Result<()> {
    with_temp_ns(async |ns| {
        let pods = create_waiting(&ns).await?;
        let released = oncue(&ns, &["release", "--all", "--reason", REASON]).await?;
        for pod in &pods {
            let line = format!("release written: pod/{} -n {}", pod.name(), ns.name());
            assert!(released.contains(&line), "{released}");
            pod.is_running().await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_release_in_a_manifest_releases_nothing() -> Result<()> {
    with_temp_ns(async |ns| {
        let release = r#"{"uid":"8f0c","reason":"copied"}"#;
        let copied = pod("copied").depends_on("never/there");
        let copied = copied.annotate("oncue.dev/release", release);
        let warned = ns.kubectl_apply(copied, &[]).outcome().await?.all();
        assert!(
            warned.contains("releases only the existing pod"),
            "{warned}"
        );
        ns.pod("copied").is_held().await
    })
    .await
}
