//! Pods that oncue leaves alone.

use anyhow::Result;
use e2e::kit::{pod, with_temp_ns};

#[tokio::test]
async fn a_pod_that_is_switched_off_does_not_wait() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app")
            .depends_on("never/there")
            .annotate("oncue.dev/inject", "false");
        let pod = ns.create_pod(pod).await?;
        pod.is_running().await?;
        pod.is_not_injected().await
    })
    .await
}

#[tokio::test]
async fn a_pod_without_annotations_is_unchanged() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = ns.create_pod(pod("app")).await?;
        pod.is_running().await?;
        pod.is_not_injected().await
    })
    .await
}
