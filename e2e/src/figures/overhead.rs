//! A wait whose terms already hold, compared with pods that do not wait.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::try_join;
use serde_json::json;
use tokio::time::sleep;

use super::sample::Sample;
use crate::kit::{Namespace, PodManifest, image, pod};

/// Number of pods of each sort.
const ROUNDS: usize = 30;

/// A variable that exists all the time.
const THERE: &str = "overhead/there";

/// Repeatedly starts one pod of each sort, and prints the time from creation until its container
/// ran. The times come from a watch of the API server, which the kubelet updates once a second.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    ns.store().create(THERE).await?;
    let [mut plain, mut idle, mut waiting, mut gated] = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        // A round ends with an update of the kubelet. A random pause keeps the next from beginning
        // with one.
        sleep(Duration::from_millis(fastrand::u64(..1000))).await;
        let gate = pod(&format!("gate-{round}")).depends_on(THERE);
        let (without, with_idle, with_oncue, with_gate) = try_join!(
            start(&ns, pod(&format!("plain-{round}"))),
            start(&ns, with_idle_init(pod(&format!("idle-{round}")))),
            start(&ns, pod(&format!("wait-{round}")).depends_on(THERE)),
            start(&ns, gate.annotate("depends-on-mode", "gate")),
        )?;
        plain.push(without);
        idle.push(with_idle);
        waiting.push(with_oncue);
        gated.push(with_gate);
    }
    let [plain, idle, waiting, gated] = [plain, idle, waiting, gated].map(Sample::from_iter);
    println!("\n# From creation to running\n");
    println!("no init container              {plain}");
    println!("idle init container            {idle}");
    println!("oncue, all terms hold          {waiting}");
    println!("oncue, behind a gate           {gated}");
    let median = |sample: &Sample| sample.percentile(50).as_secs_f64();
    println!(
        "oncue over an idle init container: p50 {:+.3} s; over none: p50 {:+.3} s; the gate over \
         none: p50 {:+.3} s",
        median(&waiting) - median(&idle),
        median(&waiting) - median(&plain),
        median(&gated) - median(&plain)
    );
    Ok(())
}

async fn start(ns: &Namespace, pod: PodManifest) -> Result<Duration> {
    let began = Instant::now();
    ns.create_pod(pod).await?.is_running().await?;
    Ok(began.elapsed())
}

/// Adds an idle init container with the resources of the injected one.
fn with_idle_init(pod: PodManifest) -> PodManifest {
    pod.spec(json!({"initContainers": [{
        "name": "idle",
        "image": image::SCRATCH,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/oncue-client", "--version"],
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "200m", "memory": "64Mi"},
        },
    }]}))
}
