//! One replica of the store leads. It is lost, or comes back after another one leads.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::kit::{LivePod, Namespace, pod, with_oncue};
use k8s_openapi::api::core::v1::Pod;
use tokio::time::{Instant, timeout_at};

/// How long gates and conditions may rest if the leader is lost: the Lease, and the time to take it.
const PAUSE: Duration = Duration::from_secs(15);

/// A replica that stops without an end is like one behind a broken network: it neither releases its
/// Lease nor knows that it has ended.
#[tokio::test]
async fn another_replica_leads_within_15_s_and_the_former_leader_does_no_harm() -> Result<()> {
    with_oncue(async |ns, oncue| {
        ns.store().create("may/start").await?;
        let (leader, holder) = (oncue.leader().await?, oncue.lease_holder().await?);
        let paused = Instant::now();
        leader.pause("store").await?;
        let gated = create_gated(&ns, "gated").await?;
        let reporting = ns.create_pod(pod("reporting").depends_on("never/there"));
        let reporting = reporting.await?;
        let resumed = timeout_at(paused + PAUSE, async {
            has_no_gate(&gated).await?;
            reporting.reports("Waiting").await
        });
        let resumed = resumed.await;
        let another = oncue.another_leads_than(holder.as_deref()).await;
        leader.resume("store").await?;
        another?;
        resumed.with_context(|| format!("gates and conditions rest for more than {PAUSE:?}"))??;

        // The former leader serves again, and the other one still leads.
        oncue.is_ready().await?;
        let now = oncue.lease_holder().await?;
        assert_ne!(now, holder);
        let first = ns.create_pod(pod("first").signals("first/up")).await?;
        ns.store().until("first/up").await?;
        assert_eq!(ns.store().owners("first/up").await?, [first.uid().await?]);
        has_no_gate(&create_gated(&ns, "later").await?).await?;
        assert_eq!(oncue.lease_holder().await?, now);
        Ok(())
    })
    .await
}

async fn create_gated(ns: &Namespace, name: &str) -> Result<LivePod> {
    let gated = pod(name).depends_on("may/start");
    ns.create_pod(gated.annotate("depends-on-mode", "gate"))
        .await
}

async fn has_no_gate(pod: &LivePod) -> Result<()> {
    let gates = |pod: &Pod| {
        pod.spec
            .as_ref()
            .and_then(|spec| spec.scheduling_gates.clone())
    };
    let is_open = |pod: &Pod| gates(pod).is_none_or(|gates| gates.is_empty());
    pod.until("has no gate", is_open).await?;
    Ok(())
}
