//! Pods that wait at a replica of the store that is lost, and signals while no part of oncue runs.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::kit::{Node, PodManifest, are_held, deployment, pod, signal, with_oncue};
use k8s_openapi::jiff::Timestamp;

/// Number of waiting pods. Each reaches either replica, so some wait at the one that is lost.
const WAITERS: u32 = 20;

/// How long the waits of a lost replica may take to continue at another one.
const MOVE: Duration = Duration::from_secs(10);

/// Nobody tells the waiters: their connections are silent, and the address of the store still leads
/// to the lost replica.
#[tokio::test]
async fn waits_continue_within_10_s_if_the_node_of_a_replica_stops_for_good() -> Result<()> {
    with_oncue(async |ns, oncue| {
        // After other tests, both replicas may be on one node.
        oncue.roll_store_out().await?;
        let mut nodes = Vec::new();
        for pod in oncue.store_pods().await? {
            nodes.push(pod.node().await?);
        }
        let names: Vec<_> = nodes.iter().map(Node::name).collect();
        ensure!(names.len() == 2 && names[0] != names[1], "{names:?}");
        let (lost, left) = (&nodes[0], &nodes[1]);
        let waiter = pod("waiter").depends_on("go/now").on_node(left.name());
        ns.create_object(deployment(WAITERS, quiet(waiter))).await?;
        let waiters = ns.pods_of("waiter", WAITERS as usize).await?;
        are_held(&waiters).await?;

        let stopped = Timestamp::now();
        lost.stop().await?;
        // Not through the store, of which a part is lost.
        ns.create_object(signal("go", "go/now")).await?;
        for waiter in &waiters {
            let after = waiter.ready_at().await?.duration_since(stopped);
            let after = after.unsigned_abs();
            assert!(after <= MOVE, "{} went on after {after:?}", waiter.name());
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn signals_of_deleted_pods_are_gone_when_oncue_returns_from_zero() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        ns.create_object(deployment(3, producer)).await?;
        let store = ns.store();
        store.until("producers/*>=3").await?;
        store.create("by/hand").await?;

        tokio::try_join!(oncue.scale_webhook(0), oncue.stop_store())?;
        let delete = ["delete", "deployment", "producer"];
        ns.kubectl(&delete).text().await?;
        ns.pods_of("producer", 0).await?;
        // Kubernetes collects them, although no part of oncue runs.
        ns.has_signals(&["by/hand"]).await?;

        tokio::try_join!(oncue.start_store(), oncue.scale_webhook(2))?;
        assert_eq!(store.variables().await?, ["by/hand"]);
        let consumer = ns.create_pod(pod("consumer").depends_on("producers/*"));
        consumer.await?.is_held().await
    })
    .await
}

/// Asks for little CPU, so that all fit on one node with others.
fn quiet(pod: PodManifest) -> PodManifest {
    pod.annotate("oncue.dev/resources", "requests.cpu=1m")
}
