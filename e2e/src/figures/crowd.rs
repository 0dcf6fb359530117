//! Memory and CPU of oncue's pods while a node is full of waiting pods.

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, api::ListParams};

use super::{
    release,
    usage::{MIB, usage},
};
use crate::kit::{Namespace, deployment, eventually, pod};

/// Number of Deployments of [`REPLICAS`] pods. A small machine starts a few pods per second.
const DEPLOYMENTS: usize = 4;
const REPLICAS: u32 = 50;

/// The variable that all pods wait for.
const GO: &str = "crowd/go";

/// Fills one node with waiting pods, prints the memory and CPU of oncue's pods, and releases all.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    let node = any_worker(&ns).await?;
    let before = usage(ns.cluster()).await?;
    for index in 0..DEPLOYMENTS {
        // On a node with two cores, the default request of 10m does not fit for all pods.
        let app = pod(&app(index))
            .depends_on(GO)
            .annotate("oncue.dev/resources", "requests.cpu=1m");
        let crowd = deployment(REPLICAS, app.on_node(&node));
        ns.create_object(crowd).await?;
        all_wait(&ns, (index + 1) * REPLICAS as usize).await?;
    }
    let waiting = usage(ns.cluster()).await?;
    println!(
        "\n# {} waiting pods on one node\n",
        ns.store().waiting_pods().await?.len()
    );
    for (now, then) in waiting.iter().zip(&before) {
        println!(
            "{:32} memory {:5.1} MiB, before {:5.1} MiB; CPU {:.2} s for all of it",
            now.pod,
            now.memory / MIB,
            then.memory / MIB,
            now.cpu - then.cpu
        );
    }
    release_all(&ns).await
}

async fn release_all(ns: &Namespace) -> Result<()> {
    ns.store().create(GO).await?;
    let mut pods = Vec::new();
    for index in 0..DEPLOYMENTS {
        pods.extend(ns.pods_of(&app(index), REPLICAS as usize).await?);
    }
    let latencies: Vec<_> = stream::iter(&pods)
        .map(|pod| release::latency(ns, pod, GO))
        .buffer_unordered(4)
        .try_collect()
        .await?;
    let latencies = latencies.into_iter().collect::<super::sample::Sample>();
    println!("all released at once{latencies}");
    Ok(())
}

fn app(index: usize) -> String {
    format!("crowd-{index}")
}

async fn any_worker(ns: &Namespace) -> Result<String> {
    let nodes: Api<Node> = Api::all(ns.client());
    let workers = ListParams::default().labels("!node-role.kubernetes.io/control-plane");
    let workers = nodes.list(&workers).await?;
    let worker = workers.items.into_iter().next();
    worker
        .and_then(|node| node.metadata.name)
        .context("the cluster has no worker: run `cargo run -p e2e -- up`")
}

async fn all_wait(ns: &Namespace, count: usize) -> Result<()> {
    let store = ns.store();
    eventually(&format!("{count} pods wait"), async || {
        Ok((store.waiting_pods().await?.len() >= count).then_some(()))
    })
    .await
}
