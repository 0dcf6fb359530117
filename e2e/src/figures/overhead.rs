//! A wait that is already satisfied, beside pods that do not wait.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::try_join;
use serde_json::json;
use tokio::time::sleep;

use super::sample::Sample;
use crate::kit::{Namespace, PodManifest, image, pod};

/// How many pods of each sort.
const ROUNDS: usize = 30;

/// The variable that is there all the time.
const THERE: &str = "overhead/there";

/// Starts one pod of each sort side by side, again and again, and tells how long each took from
/// its creation until its container ran: as the API server's watch tells, whose news from the
/// kubelet come once a second.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    ns.store().create(THERE).await?;
    let [mut plain, mut idle, mut waiting] = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        // A round ends on a kubelet's beat: the next must not always begin on one.
        sleep(Duration::from_millis(fastrand::u64(..1000))).await;
        let (without, with_idle, with_oncue) = try_join!(
            start(&ns, pod(&format!("plain-{round}"))),
            start(&ns, with_idle_init(pod(&format!("idle-{round}")))),
            start(&ns, pod(&format!("wait-{round}")).depends_on(THERE)),
        )?;
        plain.push(without);
        idle.push(with_idle);
        waiting.push(with_oncue);
    }
    let [plain, idle, waiting] = [plain, idle, waiting].map(Sample::from_iter);
    println!("\n# From creation to running, side by side\n");
    println!("no init container              {plain}");
    println!("an init container, does nothing{idle}");
    println!("oncue, what it waits for holds {waiting}");
    let median = |sample: &Sample| sample.percentile(50).as_secs_f64();
    println!(
        "oncue over an idle init container: p50 {:+.3} s; over none: p50 {:+.3} s",
        median(&waiting) - median(&idle),
        median(&waiting) - median(&plain)
    );
    Ok(())
}

async fn start(ns: &Namespace, pod: PodManifest) -> Result<Duration> {
    let began = Instant::now();
    ns.create_pod(pod).await?.is_running().await?;
    Ok(began.elapsed())
}

/// Gives the pod an init container of the injected one's weight that does nothing.
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
