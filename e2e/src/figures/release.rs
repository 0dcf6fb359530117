//! From a created variable to the end of the init container that waited for it.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::jiff::Timestamp;

use super::sample::Sample;
use crate::kit::{LivePod, Namespace, WAIT, pod};

const PODS: usize = 30;

/// Starts pods that wait for a variable each, and creates these variables one after the other.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    let mut pods = Vec::new();
    for index in 0..PODS {
        let name = variable(index);
        let manifest = pod(&format!("release-{index}")).depends_on(&name);
        pods.push(ns.create_pod(manifest).await?);
    }
    for pod in &pods {
        pod.is_held().await?;
    }
    let mut latencies = Sample::default();
    for (index, pod) in pods.iter().enumerate() {
        let name = variable(index);
        ns.store().create(&name).await?;
        latencies.push(latency(&ns, pod, &name).await?);
    }
    println!("\n# From the create of a variable to the last log line of the waiting container\n");
    println!("one pod at a time{latencies}");
    Ok(())
}

/// Returns the time between the store's timestamp of the variable and the end of the wait. Nodes and
/// store run on one machine and share a clock.
pub(super) async fn latency(ns: &Namespace, pod: &LivePod, name: &str) -> Result<Duration> {
    let ended = ready_at(ns, pod).await?;
    let variable = ns.store().variable(name).await?;
    let since = variable["assertions"][0]["since"]
        .as_str()
        .context("the assertion has no time")?;
    let created: Timestamp = since.parse()?;
    Ok(ended.duration_since(created).unsigned_abs())
}

/// Waits until the wait of a pod has ended, and returns the node's timestamp of the client's last
/// log line.
pub(super) async fn ready_at(ns: &Namespace, pod: &LivePod) -> Result<Timestamp> {
    pod.wait_ended().await?;
    let log = ns.kubectl(&["logs", pod.name(), "-c", WAIT, "--timestamps"]);
    let log = log.text().await?;
    let last = log.lines().find(|line| line.contains("Ready after"));
    let (stamp, _) = last
        .and_then(|line| line.split_once(' '))
        .with_context(|| format!("the log of {} has no success: {log}", pod.name()))?;
    Ok(stamp.parse()?)
}

fn variable(index: usize) -> String {
    format!("release/{index}")
}
