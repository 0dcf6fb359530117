//! The controller and the store are down or without rights while pods start.

use std::time::Duration;

use anyhow::Result;
use e2e::{
    backend::Backend,
    kit::{
        Account, LivePod, Manifest, Namespace, WAIT, are_released, deployment, eventually, pod,
        with_oncue,
    },
};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use serde_json::json;
use tokio::time::sleep;

#[tokio::test]
async fn hooks_that_ran_while_the_store_was_down_signal_afterwards() -> Result<()> {
    with_oncue(async |ns, oncue| {
        oncue.stop_store().await?;
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        ns.create_object(deployment(3, producer)).await?;
        let consumer = ns.create_pod(pod("consumer").depends_on("producers/*>=3"));
        let consumer = consumer.await?;
        let producers = ns.pods_of("producer", 3).await?;
        for producer in &producers {
            producer.is_running().await?;
        }
        consumer.run_of(WAIT).await?;

        oncue.start_store().await?;
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
async fn two_hundred_pods_start_alike_if_the_leader_is_killed_ten_times() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        let consumer = pod("consumer").depends_on("producers/*>=100, deployment:producer");
        let consumer = consumer.annotate("oncue.dev/resources", "requests.cpu=1m");
        ns.create_object(deployment(100, consumer)).await?;
        ns.create_object(deployment(100, producer)).await?;
        for _ in 0..KILLS {
            sleep(Duration::from_millis(fastrand::u64(..3000))).await;
            oncue.kill_leader().await?;
        }

        let consumers = ns.pods_of("consumer", 100).await?;
        are_released(&consumers).await?;
        oncue.is_ready().await?;
        let producers = ns.pods_of("producer", 100).await?;
        assert_eq!(ns.store().variables().await?, signals_of(&producers));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_the_controller_admission_rejects_what_nobody_would_maintain() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let values = json!({"controller": {"enabled": false}});
        oncue.install_with(values).await?;
        let app = pod("app").depends_on("job:migrate, a/b");
        let app = app.annotate("depends-on-mode", "gate");
        let app = app.annotate("signals-on-ready", "app/ready");
        let said = ns.create_pod(app).await.unwrap_err().to_string();
        let why = "it needs the controller, which this installation does not run";
        for place in [
            "depends-on: column 1: in \"job:migrate\": ",
            "depends-on-mode: \"gate\" is not right: ",
            "signals-on-ready: ",
        ] {
            assert!(said.contains(&format!("{place}{why}")), "{place} in {said}");
        }

        let first = ns.create_pod(pod("first").signals("first/up")).await?;
        let second = ns.create_pod(pod("second").depends_on("first/up")).await?;
        second.is_running().await?;
        first.delete().await?;
        first.is_gone().await?;
        match oncue.backend() {
            Backend::Embedded => assert!(ns.store().exists("first/up").await?),
            // Kubernetes itself deletes the Signal of a pod that is gone.
            Backend::Kubernetes => ns.store().until_gone("first/up").await?,
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_gates_the_controller_reports_on_pods_and_has_no_right_to_patch_them() -> Result<()>
{
    with_oncue(async |ns, oncue| {
        let store = Account::of_oncue("oncue-store").await?;
        assert!(store.may(patch(&ns, None)).await?);
        let values = json!({"controller": {"gates": false}});
        oncue.install_with(values).await?;
        eventually("the right to patch pods is gone", async || {
            Ok((!store.may(patch(&ns, None)).await?).then_some(()))
        })
        .await?;
        assert!(store.may(patch(&ns, Some("status"))).await?);

        let app = ns.create_pod(pod("app").depends_on("first/up")).await?;
        app.reports("Waiting").await?;
        let gated = pod("gated").depends_on("first/up");
        let gated = gated.annotate("depends-on-mode", "gate");
        let said = ns.create_pod(gated).await.unwrap_err().to_string();
        assert!(said.contains("depends-on-mode: "), "{said}");
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

/// Returns the right to patch pods, or a part of them.
fn patch(ns: &Namespace, part: Option<&str>) -> ResourceAttributes {
    ResourceAttributes {
        namespace: Some(ns.name().to_owned()),
        verb: Some("patch".to_owned()),
        resource: Some("pods".to_owned()),
        subresource: part.map(str::to_owned),
        ..ResourceAttributes::default()
    }
}

/// How often the process that leads is killed.
const KILLS: usize = 10;

/// Returns the names of what these producers signal, in their order.
fn signals_of(producers: &[LivePod]) -> Vec<String> {
    let names = producers.iter().map(LivePod::name);
    let mut signals: Vec<_> = names.map(|name| format!("producers/{name}")).collect();
    signals.sort();
    signals
}
