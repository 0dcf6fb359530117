//! The webhook's pods are replaced, killed and removed while pods are created.

use std::{cell::RefCell, ops::RangeInclusive};

use anyhow::Result;
use e2e::kit::{
    Burst, LivePod, Namespace, Oncue, Refusal, WAIT, burst_during, deployment, is_injected, pod,
    with_oncue,
};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use tokio::time::Instant;

/// Number of a Deployment's pods, and minimum number of pods created by hand.
const PODS: u32 = 200;

/// Number of pods that start and signal meanwhile.
const PRODUCERS: u32 = 40;

#[tokio::test]
async fn no_admission_fails_and_no_signal_is_lost_while_all_of_oncue_is_replaced() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let all = format!("producers/*>={PRODUCERS}");
        let consumer = ns.create_pod(pod("consumer").depends_on(&all)).await?;
        consumer.is_held().await?;
        let producer = pod("producer").signals("producers/$(POD_NAME)");
        let producer = producer.annotate("oncue.dev/resources", "requests.cpu=1m");
        let burst = burst(&ns, async {
            let webhooks = oncue.webhook_pods().await?;
            webhooks[0].delete().await?;
            oncue.has_webhooks(webhooks.len()).await?;
            ns.create_object(deployment(PRODUCERS, producer)).await?;
            tokio::try_join!(oncue.roll_webhook_out(), oncue.roll_store_out()).map(drop)
        });
        let burst = Box::pin(burst).await?;

        assert!(burst.refusals.is_empty(), "{:?}", burst.refusals);
        assert_eq!(ns.events("FailedCreate").await?, Vec::<String>::new());
        consumer.is_running().await?;
        assert_eq!(consumer.run_of(WAIT).await?.restarts, 0);
        let producers = ns.pods_of("producer", PRODUCERS as usize).await?;
        let mut signals: Vec<_> = producers
            .iter()
            .map(|it| format!("producers/{}", it.name()))
            .collect();
        signals.sort();
        assert_eq!(ns.store().variables().await?, signals);
        all_are_there_and_wait(&ns, &burst).await
    })
    .await
}

#[tokio::test]
async fn killed_webhooks_fail_calls_only_until_they_are_back() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let outages = RefCell::new(Vec::new());
        let burst = burst(&ns, async {
            for killed in 1..=2 {
                let outage = kill_webhooks(&oncue, killed).await?;
                outages.borrow_mut().push(outage);
            }
            Ok(())
        });
        let burst = Box::pin(burst).await?;

        println!("{} of {} calls failed", burst.refusals.len(), burst.created);
        let outages = outages.into_inner();
        for Refusal { call, why } in &burst.refusals {
            assert!(why.contains(CALL_FAILED), "{why}");
            let is_in_one = outages.iter().any(|outage| overlap(call, outage));
            assert!(is_in_one, "it failed while the webhook was there: {why}");
        }
        for event in ns.events("FailedCreate").await? {
            assert!(event.contains(CALL_FAILED), "{event}");
        }
        all_are_there_and_wait(&ns, &burst).await
    })
    .await
}

#[tokio::test]
async fn without_a_webhook_only_annotated_pods_are_rejected() -> Result<()> {
    with_oncue(async |ns, oncue| {
        oncue.scale_webhook(0).await?;
        let asking = || pod("asking").depends_on("first/container");
        let answer = ns.kubectl_apply(asking(), &[]).outcome().await?;
        assert!(!answer.success, "it was let in: {}", answer.all());
        assert!(answer.stderr.contains(CALL_FAILED), "{}", answer.stderr);
        ns.create_object(deployment(1, asking())).await?;
        let plain = ns.create_pod(pod("plain")).await?;
        ns.create_object(deployment(1, pod("made"))).await?;
        plain.is_running().await?;
        ns.pods_of("made", 1).await?[0].is_running().await?;
        is_left_alone_in_kube_system(&ns).await?;
        assert_eq!(ns.pod_count().await?, 2);

        oncue.scale_webhook(2).await?;
        ns.pods_of("asking", 1).await?[0].is_held().await
    })
    .await
}

/// The API server's message if it cannot call the webhook.
const CALL_FAILED: &str = r#"failed calling webhook "pods.oncue.dev""#;

/// Creates pods by a controller and by hand during the disturbance. No scheduler handles them:
/// this test is about admission only.
async fn burst(ns: &Namespace, disturbance: impl Future<Output = Result<()>>) -> Result<Burst> {
    let waiting = |name| pod(name).depends_on("never/there").unscheduled();
    ns.create_object(deployment(PODS, waiting("made"))).await?;
    burst_during((ns, waiting("by-hand")), PODS as usize, disturbance).await
}

/// Checks that the controller has all of its pods in the end, and that all pods are injected.
async fn all_are_there_and_wait(ns: &Namespace, burst: &Burst) -> Result<()> {
    ns.pods_of("made", PODS as usize).await?;
    let of_burst = ListParams::default().labels("app in (made, by-hand)");
    let pods = ns.api::<Pod>().list(&of_burst).await?.items;
    assert_eq!(pods.len(), PODS as usize + burst.created);
    let uninjected = pods.iter().filter(|pod| !is_injected(pod)).count();
    assert_eq!(uninjected, 0);
    Ok(())
}

/// Kills that many of the webhook's pods at once. Returns the time span in which calls can fail:
/// from requests in flight until the pods are back.
async fn kill_webhooks(oncue: &Oncue, count: usize) -> Result<RangeInclusive<Instant>> {
    let webhooks = oncue.webhook_pods().await?;
    let killed = &webhooks[..count];
    let before = Instant::now();
    try_join_all(killed.iter().map(is_killed_and_back)).await?;
    oncue.has_webhooks(webhooks.len()).await?;
    Ok(before..=Instant::now())
}

fn overlap(one: &RangeInclusive<Instant>, other: &RangeInclusive<Instant>) -> bool {
    one.start() <= other.end() && other.start() <= one.end()
}

async fn is_killed_and_back(webhook: &LivePod) -> Result<()> {
    let run = webhook.run_of("webhook").await?;
    webhook.kill("webhook").await?;
    webhook.runs_again_after("webhook", &run).await?;
    Ok(())
}

/// Checks that annotated pods in `kube-system` are created without oncue.
async fn is_left_alone_in_kube_system(ns: &Namespace) -> Result<()> {
    let system = Namespace::existing("kube-system").await?;
    for manifest in [pod("plain"), pod("asking").depends_on("first/container")] {
        // Other tests use `kube-system` too, so the name comes from the test's namespace.
        let pod = system.create_pod(manifest.named(ns.name())).await?;
        let is_alone = pod.is_not_injected().await;
        pod.delete_by_force().await?;
        is_alone?;
    }
    Ok(())
}
