//! Restarts of nodes and kubelets, with pods that wait and pods that have waited.

use anyhow::Result;
use e2e::kit::{Node, PodManifest, WAIT, deployment, pod, with_oncue};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use serde_json::json;

#[tokio::test]
async fn injected_pods_survive_the_restart_of_the_kubelet() -> Result<()> {
    with_oncue(async |ns, _| {
        ns.store().create("early/signal").await?;
        let started = pod("started")
            .depends_on("early/signal")
            .signals("started/up");
        let started = ns.create_pod(started).await?;
        started.is_running().await?;
        let node = started.node().await?;
        let waiting = pod("waiting").depends_on("late/signal");
        let waiting = ns.create_pod(waiting.on_node(node.name())).await?;
        waiting.is_held().await?;
        let runs = (
            started.run_of("started").await?,
            waiting.run_of(WAIT).await?,
        );

        node.restart_kubelet().await?;
        // A kubelet that runs a new pod has also synced these.
        let after = ns.create_pod(pod("after").on_node(node.name())).await?;
        after.is_running().await?;
        assert_eq!(started.run_of("started").await?, runs.0);
        assert_eq!(waiting.run_of(WAIT).await?, runs.1);
        waiting.is_held().await?;

        ns.store().create("late/signal").await?;
        waiting.is_running().await?;
        assert_eq!(waiting.wait_ended().await?.code, 0);
        Ok(())
    })
    .await
}

/// The store's leader runs on this node, so it restarts too, and waiters on other nodes lose it.
#[tokio::test]
async fn pods_survive_the_restart_of_their_node() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let (node, store) = (oncue.leader().await?.node().await?, ns.store());
        store.create("early/signal").await?;
        let started = pod("started").depends_on("early/signal");
        let started = ns.create_pod(started.on_node(node.name())).await?;
        let waiting = |name| pod(name).depends_on("late/signal");
        let here = ns.create_pod(waiting("here").on_node(node.name())).await?;
        let away = away_from(&node, waiting("elsewhere"));
        let elsewhere = ns.create_pod(away).await?;
        started.is_running().await?;
        here.is_held().await?;
        elsewhere.is_held().await?;
        let runs = (
            started.run_of(WAIT).await?,
            here.run_of(WAIT).await?,
            elsewhere.run_of(WAIT).await?,
        );
        let here_since = store.waiting_since("here").await?;
        // Without the variable, the pod must wait again after the restart.
        store.delete("early/signal").await?;

        let restarted = Timestamp::now();
        node.restart().await?;
        started.runs_again_after(WAIT, &runs.0).await?;
        here.runs_again_after(WAIT, &runs.1).await?;
        oncue.is_ready().await?;
        for pod in [&started, &here, &elsewhere] {
            pod.is_held().await?;
        }
        // The finished wait begins again, and the other one continues.
        assert!(store.waiting_since("started").await? > restarted);
        assert_eq!(store.waiting_since("here").await?, here_since);
        assert_eq!(elsewhere.run_of(WAIT).await?, runs.2);

        store.create("early/signal").await?;
        store.create("late/signal").await?;
        for pod in [&started, &here, &elsewhere] {
            pod.is_running().await?;
            assert_eq!(pod.wait_ended().await?.code, 0);
        }
        Ok(())
    })
    .await
}

/// Its pods stay Terminating for ever: nobody is there to confirm their end.
#[tokio::test]
async fn a_node_that_stops_for_good_takes_its_signals_with_it() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let leads = oncue.leader().await?.node().await?;
        let producer = away_from(&leads, pod("producer").signals("producer/up"));
        let at_once = |key| {
            json!({"key": format!("node.kubernetes.io/{key}"), "effect": "NoExecute",
                "operator": "Exists", "tolerationSeconds": 0})
        };
        let evicted = [at_once("not-ready"), at_once("unreachable")];
        let producer = producer.spec(json!({"tolerations": evicted}));
        ns.create_object(deployment(1, producer)).await?;
        let lost = ns.pods_of("producer", 1).await?.remove(0);
        lost.is_running().await?;
        ns.store().until("producer/up").await?;

        lost.node().await?.stop().await?;
        ns.store().until_gone("producer/up").await?;
        let deleted = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        lost.until("is being deleted", deleted).await?;
        // The API server may still call a webhook pod on that node.
        oncue.admits().await?;
        let consumer = ns.create_pod(pod("consumer").depends_on("producer/up"));
        consumer.await?.is_held().await
    })
    .await
}

fn away_from(node: &Node, pod: PodManifest) -> PodManifest {
    let expression =
        json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node.name()]});
    let terms = json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": terms});
    pod.spec(json!({"affinity": {"nodeAffinity": required}}))
}
