//! Many gated pods that may start at the same time.

use std::time::Instant;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use crate::kit::{Namespace, eventually, pod};

/// Number of gated pods.
const PODS: usize = 1000;

const GO: &str = "gates/go";

/// Creates gated pods, and prints how long their controller takes to remove all gates.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    // No scheduler takes them: what is measured ends with the gate.
    let gated = |index| {
        let gated = pod(&format!("gated-{index}")).depends_on(GO).unscheduled();
        ns.create_pod(gated.annotate("depends-on-mode", "gate"))
    };
    let created: Vec<_> = stream::iter((0..PODS).map(gated))
        .buffer_unordered(16)
        .try_collect()
        .await?;
    eventually("the store holds all gated pods", async || {
        let waiting = ns.store().waiting_pods().await?.len();
        Ok((waiting == created.len()).then_some(()))
    })
    .await?;

    let began = Instant::now();
    ns.store().create(GO).await?;
    eventually("no gate is left", async || {
        let pods = ns.api::<Pod>().list(&ListParams::default()).await?.items;
        let is_gated = |pod: &Pod| pod.spec.as_ref()?.scheduling_gates.clone();
        let left = pods.iter().filter_map(is_gated).flatten().count();
        Ok((left == 0).then_some(()))
    })
    .await?;
    println!(
        "\n# {PODS} gated pods that may start at once\n\nall gates removed after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
