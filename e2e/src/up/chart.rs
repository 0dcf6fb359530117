//! The chart's release.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, RELEASE, SYSTEM, repository};

/// Installs or upgrades the release and waits until it is ready.
pub(super) async fn install(cluster: &Cluster, tag: &str) -> Result<()> {
    let chart = repository().join("charts/oncue");
    let helm = cluster
        .helm()
        .args(["upgrade", "--install", RELEASE])
        .arg(chart);
    let helm = helm
        .args(["--namespace", SYSTEM, "--create-namespace"])
        .args([
            "--set-string",
            &format!("image.tag={tag},client.image.tag={tag}"),
            "--wait",
            "--timeout=2m",
        ]);
    helm.limit(Duration::from_mins(3)).text().await.context(
        "failed to install the chart: `cargo run -p e2e -- logs` collects what its pods say",
    )?;
    Ok(())
}
