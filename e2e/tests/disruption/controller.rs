//! The controller and the store are down or without rights while pods start.

use anyhow::Result;
use e2e::kit::{LivePod, Manifest, WAIT, deployment, pod, with_oncue};
use serde_json::json;

#[tokio::test]
async fn hooks_that_ran_while_the_store_was_down_signal_afterwards() -> Result<()> {
    with_oncue(async |ns, oncue| {
        oncue.scale_store(0).await?;
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        ns.create_object(deployment(3, producer)).await?;
        let consumer = ns.create_pod(pod("consumer").depends_on("producers/*>=3"));
        let consumer = consumer.await?;
        let producers = ns.pods_of("producer", 3).await?;
        for producer in &producers {
            producer.is_running().await?;
        }
        consumer.run_of(WAIT).await?;

        oncue.scale_store(1).await?;
        consumer.is_running().await?;
        assert_eq!(consumer.run_of(WAIT).await?.restarts, 0);
        assert_eq!(ns.store().variables().await?, signals_of(&producers));
        for producer in &producers {
            assert_eq!(producer.run_of("producer").await?.restarts, 0);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn thirty_pods_start_alike_if_the_controller_is_killed_meanwhile() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        let consumer = pod("consumer").depends_on("producers/*>=10, deployment:producer");
        ns.create_object(deployment(20, consumer)).await?;
        ns.create_object(deployment(10, producer)).await?;
        ns.store().until("producers/*>=1").await?;
        let (store, run) = (oncue.store_pod(), oncue.store_pod().run_of("store").await?);
        store.kill("store").await?;

        let consumers = ns.pods_of("consumer", 20).await?;
        for consumer in &consumers {
            consumer.is_running().await?;
            assert_eq!(consumer.run_of(WAIT).await?.restarts, 0);
        }
        store.runs_again_after("store", &run).await?;
        oncue.is_ready().await?;
        let producers = ns.pods_of("producer", 10).await?;
        assert_eq!(ns.store().variables().await?, signals_of(&producers));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_names_the_right_that_the_controller_lost_and_starts_once_it_is_back() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let settings = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings"},
        });
        ns.create_object(Manifest::new(settings)).await?;
        oncue.let_controller_read(false).await?;
        let app = ns.create_pod(pod("app").depends_on("configmap:settings"));
        let app = app.await?;
        let reason =
            "configmap:settings (cannot be judged: oncue may not read configmaps; grant it";
        app.prints(WAIT, reason).await?;

        oncue.let_controller_read(true).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

/// Returns the names of what these producers signal, in their order.
fn signals_of(producers: &[LivePod]) -> Vec<String> {
    let names = producers.iter().map(LivePod::name);
    let mut signals: Vec<_> = names.map(|name| format!("producers/{name}")).collect();
    signals.sort();
    signals
}
