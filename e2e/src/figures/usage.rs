//! Memory and CPU of oncue's processes, from their metrics.

use anyhow::{Context, Result};

use crate::cluster::{Cluster, SYSTEM};

/// Memory and CPU of a process so far.
pub(super) struct Usage {
    pub(super) pod: String,
    /// Resident memory in bytes.
    pub(super) memory: f64,
    /// CPU time in seconds.
    pub(super) cpu: f64,
}

/// Reads the metrics of oncue's pods, ordered by name.
pub(super) async fn usage(cluster: &Cluster) -> Result<Vec<Usage>> {
    let kubectl = |args: &[&str]| cluster.kubectl().args(["-n", SYSTEM, "get"]).args(args);
    let labels = ["pods", "-l", "app.kubernetes.io/name=oncue", "-o", "name"];
    let pods = kubectl(&labels).text().await?;
    let mut usages = Vec::new();
    for pod in pods.lines() {
        usages.push(usage_of(cluster, pod.trim_start_matches("pod/")).await?);
    }
    Ok(usages)
}

/// Reads the metrics of one of oncue's pods.
pub(super) async fn usage_of(cluster: &Cluster, pod: &str) -> Result<Usage> {
    let metrics = metrics_of(cluster, pod).await?;
    Ok(Usage {
        pod: pod.to_owned(),
        memory: gauge(&metrics, "process_resident_memory_bytes")?,
        cpu: gauge(&metrics, "process_cpu_seconds_total")?,
    })
}

/// Returns all metrics of one of oncue's pods, in Prometheus' text format.
pub(super) async fn metrics_of(cluster: &Cluster, pod: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:9998/proxy/metrics");
    let kubectl = cluster.kubectl().args(["get", "--raw", &path]);
    kubectl.text().await
}

/// Returns the value of a metric.
pub(super) fn gauge(metrics: &str, name: &str) -> Result<f64> {
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.with_context(|| format!("there is no {name} in the metrics"))?;
    Ok(value.trim().parse()?)
}

/// Bytes of a mebibyte.
pub(super) const MIB: f64 = 1024.0 * 1024.0;
