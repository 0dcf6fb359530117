//! Memory and CPU of the store and controller with thousands of pods, and how long it takes to know
//! them all.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use super::{
    fake_node::FakeNode,
    usage::{MIB, Usage, gauge, metrics_of, usage_of},
};
use crate::kit::{LivePod, Namespace, Oncue, PodManifest, eventually, pod, started_at};

/// Number of pods that signal, and of those that oncue has nothing to do with.
const SIGNALLING: usize = 10_000;
const OTHERS: usize = 2000;
const SIGNALS_OF_EACH: usize = 2;

/// Span over which the CPU of an idle controller is measured.
const IDLE: Duration = Duration::from_secs(30);

/// Prints what the controller needs for many pods.
pub(super) async fn print(ns: Namespace, oncue: Oncue) -> Result<()> {
    FakeNode::with(&ns, async |node| measure(node, (&ns, &oncue)).await).await
}

async fn measure(node: &FakeNode<'_>, (ns, oncue): (&Namespace, &Oncue)) -> Result<()> {
    let before = controller(oncue).await?;
    let signalling = |index| {
        let pod = pod(&format!("fleet-{index}"));
        pod.signals("fleet/$(POD_NAME), up/$(POD_NAME)")
    };
    start_all(node, SIGNALLING, signalling).await?;
    all_are_asserted(oncue).await?;
    let with_all = controller(oncue).await?;
    oncue.roll_store_out().await?;
    let replicas = oncue.store_pods().await?;
    let mut starts = Vec::with_capacity(replicas.len());
    for replica in &replicas {
        let memory = usage_of(ns.cluster(), replica.name()).await?.memory / MIB;
        starts.push((memory, ready_after(replica).await?));
    }

    // An empty store: everything that the pods imply is asserted again.
    oncue.stop_store().await?;
    oncue.forget_variables().await?;
    oncue.start_store().await?;
    let converged = since_start(oncue).await?;
    let restarted = controller(oncue).await?;
    sleep(IDLE).await;
    let idle = controller(oncue).await?;
    start_all(node, OTHERS, |index| pod(&format!("other-{index}"))).await?;
    let with_others = controller(oncue).await?;

    let signals = SIGNALLING * SIGNALS_OF_EACH;
    println!("\n# {SIGNALLING} pods with {signals} signals\n");
    let memory = |usage: &Usage| usage.memory / MIB;
    println!(
        "memory {:.1} MiB, before {:.1} MiB; after a restart {:.1} MiB; with {OTHERS} other pods \
         {:.1} MiB",
        memory(&with_all),
        memory(&before),
        memory(&idle),
        memory(&with_others)
    );
    for (memory, ready) in starts {
        println!("a replica that starts with them: ready after {ready:.0} s, {memory:.1} MiB");
    }
    println!("an empty store has all signals {converged:.1} s after its start");
    println!(
        "idle: {:.2} % of a core",
        100.0 * (idle.cpu - restarted.cpu) / IDLE.as_secs_f64()
    );
    Ok(())
}

/// Creates pods, and says that their containers run.
async fn start_all(
    node: &FakeNode<'_>,
    count: usize,
    manifest: impl Fn(usize) -> PodManifest,
) -> Result<()> {
    let start = |index| node.start(manifest(index));
    let started = stream::iter((0..count).map(start)).buffer_unordered(16);
    started.try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn controller(oncue: &Oncue) -> Result<Usage> {
    usage_of(oncue.system().cluster(), oncue.leader().await?.name()).await
}

/// Returns the seconds from the start of a replica until it was ready, in the kubelet's resolution
/// of 1 s.
async fn ready_after(replica: &LivePod) -> Result<f64> {
    let pod = replica.get().await?;
    let started = started_at(&pod, "store")?;
    let mut conditions = pod
        .status
        .iter()
        .flat_map(|it| it.conditions.iter().flatten());
    let ready = conditions.find(|it| it.type_ == "Ready" && it.status == "True");
    let ready = ready.and_then(|it| it.last_transition_time.as_ref());
    let ready = ready.context("the replica is ready")?.0;
    Ok(ready.duration_since(started).as_secs_f64())
}

async fn all_are_asserted(oncue: &Oncue) -> Result<()> {
    let cluster = oncue.system().cluster();
    let leader = oncue.leader().await?;
    eventually("all signals are there", async || {
        // The store may still start.
        let Ok(metrics) = metrics_of(cluster, leader.name()).await else {
            return Ok(None);
        };
        let there = gauge(&metrics, "oncue_store_variables")?;
        let wanted = f64::from(u32::try_from(SIGNALLING * SIGNALS_OF_EACH)?);
        Ok((there >= wanted).then_some(()))
    })
    .await
}

/// Returns the seconds from the start of the process until all signals are there.
async fn since_start(oncue: &Oncue) -> Result<f64> {
    all_are_asserted(oncue).await?;
    let now = k8s_openapi::jiff::Timestamp::now();
    let store = oncue.leader().await?.get().await?;
    let started = started_at(&store, "store")?;
    if started > now {
        bail!("the clocks of the nodes and of this machine differ");
    }
    Ok(now.duration_since(started).as_secs_f64())
}
