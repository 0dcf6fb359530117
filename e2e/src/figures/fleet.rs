//! Memory and CPU of the store and controller with thousands of pods, and how long it takes to know
//! them all.
//!
//! No kubelet runs these pods: they are bound to a node that does not exist, and this program writes
//! their status.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::usage::{MIB, Usage, gauge, metrics_of, usage_of};
use crate::kit::{LivePod, Namespace, Oncue, PodManifest, eventually, pod, started_at};

/// Number of pods that signal, and of those that oncue has nothing to do with.
const SIGNALLING: usize = 10_000;
const OTHERS: usize = 2000;
const SIGNALS_OF_EACH: usize = 2;

/// Span over which the CPU of an idle controller is measured.
const IDLE: Duration = Duration::from_secs(30);

const NODE: &str = "fleet";

/// Prints what the controller needs for many pods.
pub(super) async fn print(ns: Namespace, oncue: Oncue) -> Result<()> {
    let nodes: Api<Node> = Api::all(ns.client());
    let node = serde_json::from_value(json!({"metadata": {"name": NODE}}))?;
    nodes.create(&PostParams::default(), &node).await?;
    let measured = measure(&ns, &oncue).await;
    delete_all(&ns.api()).await?;
    nodes.delete(NODE, &DeleteParams::default()).await?;
    measured
}

/// Deletes the pods in parts, because the API server limits the time of one request.
async fn delete_all(pods: &Api<Pod>) -> Result<()> {
    // Nobody confirms the end of these pods.
    let at_once = DeleteParams::default().grace_period(0);
    let some = ListParams::default().limit(500);
    while !pods
        .list_metadata(&some.clone().limit(1))
        .await?
        .items
        .is_empty()
    {
        pods.delete_collection(&at_once, &some).await?;
    }
    Ok(())
}

async fn measure(ns: &Namespace, oncue: &Oncue) -> Result<()> {
    let before = controller(oncue).await?;
    let signalling = |index| {
        let pod = pod(&format!("fleet-{index}"));
        pod.signals("fleet/$(POD_NAME), up/$(POD_NAME)")
    };
    start_all(ns, SIGNALLING, signalling).await?;
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
    start_all(ns, OTHERS, |index| pod(&format!("other-{index}"))).await?;
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
    ns: &Namespace,
    count: usize,
    manifest: impl Fn(usize) -> PodManifest,
) -> Result<()> {
    let start = |index| start(ns, manifest(index));
    let started = stream::iter((0..count).map(start)).buffer_unordered(16);
    started.try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn start(ns: &Namespace, pod: PodManifest) -> Result<()> {
    let everything = json!([{"operator": "Exists"}]);
    let pod = pod.spec(json!({"nodeName": NODE, "tolerations": everything}));
    let pod = ns.create_pod(pod).await?;
    let spec = pod.get().await?.spec.context("a pod has a spec")?;
    let names = |containers: &[k8s_openapi::api::core::v1::Container]| {
        let names = containers.iter().map(|it| it.name.clone());
        names.collect::<Vec<_>>()
    };
    let ended = json!({"terminated": {"exitCode": 0}});
    let runs = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
    let status = json!({"status": {
        "phase": "Running",
        "initContainerStatuses":
            statuses(&names(&spec.init_containers.unwrap_or_default()), &ended),
        "containerStatuses": statuses(&names(&spec.containers), &runs),
    }});
    let params = PatchParams::default();
    ns.api::<Pod>()
        .patch_status(pod.name(), &params, &Patch::Merge(status))
        .await?;
    Ok(())
}

fn statuses(names: &[String], state: &Value) -> Value {
    let status = |name: &String| {
        json!({"name": name, "state": state, "ready": true, "started": true, "restartCount": 0,
            "image": "none", "imageID": "none"})
    };
    names.iter().map(status).collect()
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
