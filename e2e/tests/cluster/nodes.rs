//! Pods that wait for a variable of their own node.

use anyhow::{Context, Result};
use e2e::kit::{LivePod, Namespace, PodManifest, daemon_set, pod, with_temp_ns};
use serde_json::{Value, json};

#[tokio::test]
async fn each_node_has_its_own_order() -> Result<()> {
    with_temp_ns(async |ns| {
        let nodes = ns.nodes().await?;
        let last = nodes.last().context("a cluster has nodes")?;
        let agents = everywhere(pod("agent").depends_on("cni/$(NODE_NAME)"));
        ns.create_object(daemon_set(agents)).await?;
        let agents = ns.pods_of("agent", nodes.len()).await?;
        for agent in &agents {
            agent.is_held().await?;
        }

        let plugin = everywhere(pod("cni").signals("cni/$(NODE_NAME)"));
        ns.create_object(daemon_set(plugin.spec(not_on(last))))
            .await?;
        let (late, early) = on_node(agents, last).await?;
        assert_eq!(early.len(), nodes.len() - 1);
        for agent in &early {
            agent.is_running().await?;
        }
        late.is_held().await?;

        release(&ns, "cni").await?;
        late.is_running().await?;
        Ok(())
    })
    .await
}

/// Tolerates every taint, so that it also runs on the control plane.
fn everywhere(pod: PodManifest) -> PodManifest {
    pod.spec(json!({"tolerations": [{"operator": "Exists"}]}))
}

fn not_on(node: &str) -> Value {
    let host = "kubernetes.io/hostname";
    let elsewhere = json!({"key": host, "operator": "NotIn", "values": [node]});
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [elsewhere]}],
    }}}})
}

/// Lets the `DaemonSet` run on all nodes.
async fn release(ns: &Namespace, daemon_set: &str) -> Result<()> {
    let anywhere = json!({"spec": {"template": {"spec": {"affinity": null}}}}).to_string();
    let patch = ["patch", "daemonset", daemon_set, "--patch", &anywhere];
    ns.kubectl(&patch).text().await?;
    Ok(())
}

/// Returns the pod on the node, and the others.
async fn on_node(pods: Vec<LivePod>, node: &str) -> Result<(LivePod, Vec<LivePod>)> {
    let mut there = Vec::new();
    let mut elsewhere = Vec::new();
    for pod in pods {
        let spec = pod.get().await?.spec.context("a pod has a spec")?;
        let is_there = spec.node_name.as_deref() == Some(node);
        if is_there { &mut there } else { &mut elsewhere }.push(pod);
    }
    let there = there.pop().with_context(|| format!("no pod on {node}"))?;
    Ok((there, elsewhere))
}
