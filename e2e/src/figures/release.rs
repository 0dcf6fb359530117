//! From a created variable to the end of the init container that waited for it.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::jiff::Timestamp;

use super::sample::Sample;
use crate::kit::{LivePod, Namespace, pod};

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
    let (mut here, mut elsewhere) = (Sample::default(), Sample::default());
    for (index, pod) in pods.iter().enumerate() {
        let name = variable(index);
        let is_here = ns.store().holds_itself(pod.name()).await?;
        ns.store().create(&name).await?;
        let sample = if is_here { &mut here } else { &mut elsewhere };
        sample.push(latency(&ns, pod, &name).await?);
    }
    println!("\n# From the create of a variable to the last log line of the waiting container\n");
    println!("one pod at a time");
    println!("that waits at the replica of the create  {here}");
    println!("that waits at another replica            {elsewhere}");
    Ok(())
}

/// Returns the time between the store's timestamp of the variable and the end of the wait. Nodes and
/// store run on one machine and share a clock.
pub(super) async fn latency(ns: &Namespace, pod: &LivePod, name: &str) -> Result<Duration> {
    let ended = pod.ready_at().await?;
    let variable = ns.store().variable(name).await?;
    let since = variable["assertions"][0]["since"]
        .as_str()
        .context("the assertion has no time")?;
    let created: Timestamp = since.parse()?;
    Ok(ended.duration_since(created).unsigned_abs())
}

fn variable(index: usize) -> String {
    format!("release/{index}")
}
