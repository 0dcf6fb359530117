//! The chart's release.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    cluster::{Cluster, RELEASE, SYSTEM, repository},
    process::Outcome,
};

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
            "--timeout=90s",
        ]);
    let installed = helm.limit(Duration::from_mins(2)).outcome().await?;
    if installed.success {
        return Ok(());
    }
    let logs = [
        "logs",
        "-n",
        SYSTEM,
        "-l",
        "app.kubernetes.io/name=oncue",
        "--prefix",
        "--tail=1",
    ];
    let said = cluster.kubectl().args(logs).outcome().await;
    let said = said.as_ref().map_or("nothing", Outcome::last_words);
    bail!(
        "the chart's release did not get ready: {}; the last word of its pods is {said:?}; \
         `cargo run -p e2e -- logs` collects the rest",
        installed.last_words()
    )
}
