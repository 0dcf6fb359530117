//! The kind cluster.

use std::{fmt::Write as _, fs, time::Duration};

use anyhow::{Context, Result, bail};

use super::Wanted;
use crate::{
    cluster::Cluster, folders::made_cache, kit::eventually, kubernetes::KubernetesVersion,
    patience::timeout_flag, steps::step, tools::Nodes,
};

/// One control plane and two workers, enough for tests that compare nodes.
const NODES: u32 = 3;

/// Time limits of kind, if the image exists and if it must be pulled.
const CREATION: Duration = Duration::from_mins(10);

/// Creates or reuses the cluster. Does not wait for its pods.
pub(super) async fn ensure(cluster: &Cluster, wanted: &Wanted, made_of: &Nodes) -> Result<()> {
    if cluster.exists().await? {
        return step("cluster exists", reuse(cluster, wanted)).await;
    }
    let nodes = wanted.nodes.unwrap_or(NODES);
    let name = format!("cluster {} of {nodes} nodes", cluster.name());
    step(&name, create(cluster, nodes, made_of)).await
}

async fn reuse(cluster: &Cluster, wanted: &Wanted) -> Result<()> {
    made_cache()?;
    cluster.kind(&["export", "kubeconfig"]).text().await?;
    if let Some(nodes) = wanted.nodes {
        let listed = cluster.kind(&["get", "nodes"]).text().await?;
        let there = listed.lines().count();
        if nodes as usize != there {
            bail!(
                "the cluster {} has {there} nodes, not {nodes}: {REMOVE}",
                cluster.name()
            );
        }
    }
    match &wanted.kubernetes {
        Some(version) => runs(cluster, version).await,
        None => Ok(()),
    }
}

async fn runs(cluster: &Cluster, version: &KubernetesVersion) -> Result<()> {
    let ask = ["get", "nodes", "-o"];
    let kubelets = "jsonpath={.items[*].status.nodeInfo.kubeletVersion}";
    let there = cluster.kubectl().args(ask).arg(kubelets).text().await?;
    let wanted = format!("v{version}");
    match there.split_whitespace().find(|it| *it != wanted) {
        Some(other) => bail!(
            "the cluster {} runs Kubernetes {other}, not {wanted}: {REMOVE}",
            cluster.name()
        ),
        None => Ok(()),
    }
}

const REMOVE: &str =
    "run `cargo run -p e2e -- down` first, or name another cluster with ONCUE_E2E_CLUSTER";

async fn create(cluster: &Cluster, nodes: u32, made_of: &Nodes) -> Result<()> {
    let cache = made_cache()?;
    let kubeconfig = cluster.kubeconfig();
    // Removes the kubeconfig of an earlier cluster, because kind would merge both.
    let _ = fs::remove_file(&kubeconfig);
    let mut kind = cluster.kind(&["create", "cluster", "--retain", "--config=-"]);
    if let Some(image) = made_of.image() {
        kind = kind.args(["--image", image.as_str()]);
    }
    let created = kind
        .stdin(configuration(nodes))
        .limit(CREATION)
        .outcome()
        .await?;
    if created.success {
        return Ok(());
    }
    let logs = cache.join(format!("{}-not-created", cluster.name()));
    fs::create_dir_all(&logs)?;
    fs::write(logs.join("kind.log"), created.all())?;
    // Collects the nodes' logs if they started. If not, the error below says so.
    let folder = logs.to_string_lossy();
    let _ = cluster
        .kind(&["export", "logs", folder.as_ref()])
        .outcome()
        .await;
    let _ = cluster.remove().await;
    bail!(
        "the cluster {} did not start: {}; its logs are in {folder}; check that the machine has 2 GB of \
         free memory and 5 GB of free disk, and run the command again",
        cluster.name(),
        reason(&created.stderr)
    )
}

/// Finds the line with kind's error. A stack trace follows it.
fn reason(stderr: &str) -> &str {
    let line = stderr.lines().find(|line| line.contains("ERROR:"));
    line.or_else(|| stderr.lines().last())
        .unwrap_or("kind said nothing")
        .trim()
}

/// Allows 250 pods per node, the number of its addresses.
fn configuration(nodes: u32) -> String {
    let mut text = String::from(
        "kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  maxPods: 250
nodes:
- role: control-plane
",
    );
    for _ in 1..nodes {
        let _ = writeln!(text, "- role: worker");
    }
    text
}

/// Waits for the API server, the nodes and everything that kind installs.
pub(super) async fn ready(cluster: &Cluster) -> Result<()> {
    // After a restart of the machine, the server answers before it knows who may do what.
    eventually("the API server is ready", async || {
        let asked = cluster.kubectl().args(["get", "--raw=/readyz"]);
        Ok(asked.outcome().await?.success.then_some(()))
    })
    .await
    .context(NOT_READY)?;
    let wait = [
        "wait",
        "node",
        "--all",
        "--for=condition=Ready",
        &timeout_flag(),
    ];
    cluster
        .kubectl()
        .args(wait)
        .text()
        .await
        .context(NOT_READY)?;
    for namespace in ["kube-system", "local-path-storage"] {
        let list = [
            "get",
            "deployments,daemonsets",
            "-o",
            "name",
            "-n",
            namespace,
        ];
        for name in cluster.kubectl().args(list).text().await?.lines() {
            let rollout = ["rollout", "status", name, &timeout_flag(), "-n", namespace];
            cluster
                .kubectl()
                .args(rollout)
                .text()
                .await
                .context(NOT_READY)?;
        }
    }
    Ok(())
}

const NOT_READY: &str = "the cluster is there and not ready: `cargo run -p e2e -- logs` collects \
                         why, `cargo run -p e2e -- down` removes it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_but_one_is_a_worker() {
        assert_eq!(configuration(3).matches("role: worker").count(), 2);
        assert_eq!(configuration(1).matches("role:").count(), 1);
    }

    #[test]
    fn the_reason_is_the_line_before_the_stack() {
        let stderr = "Creating ...\nERROR: failed to create: no image\nStack Trace:\nmain.main";
        assert_eq!(reason(stderr), "ERROR: failed to create: no image");
        assert_eq!(reason(""), "kind said nothing");
    }
}
