//! What pods show of their wait: the condition, Events, and the command line.

use anyhow::{Context, Result};
use e2e::kit::{LivePod, Namespace, PodManifest, deployment, eventually, pod, with_temp_ns};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

/// A pod that never starts, because its image may not be pulled.
fn imageless(name: &str) -> PodManifest {
    let part = json!({"image": "oncue.test/nowhere:1", "imagePullPolicy": "Never"});
    pod(name).container(part)
}

#[tokio::test]
async fn the_condition_names_what_is_missing_and_who_would_provide_it() -> Result<()> {
    with_temp_ns(async |ns| {
        let first = imageless("first").signals("first/container");
        ns.create_object(deployment(1, first)).await?;
        let second = pod("second").depends_on("first/container, other/up");
        let second = ns.create_pod(second).await?;
        second.is_held().await?;
        let begun = created(&second).await?;
        let expected = format!(
            "Waiting since {begun} for 2 of 2: first/container: signalled by Deployment/first, \
             whose pod is not Ready: ErrImageNeverPull; other/up: does not exist, and no pod \
             signals it"
        );
        says(&second, "Waiting", &expected).await?;

        ns.store().create("other/up").await?;
        let expected = format!(
            "Waiting since {begun} for 1 of 1: first/container: signalled by Deployment/first, \
             whose pod is not Ready: ErrImageNeverPull"
        );
        says(&second, "Waiting", &expected.replace("1 of 1", "1 of 2")).await
    })
    .await
}

#[tokio::test]
async fn kubectl_waits_for_the_condition() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = pod("second").depends_on("first/container");
        let second = ns.create_pod(second).await?;
        second.is_held().await?;
        ns.store().create("first/container").await?;
        let condition = "--for=condition=oncue.dev/DependenciesHeld";
        let wait = ["wait", condition, "pod/second", "--timeout=2m"];
        ns.kubectl(&wait).text().await?;
        let message = second.reports("Held").await?;
        assert!(message.starts_with("Ready after "), "{message}");
        Ok(())
    })
    .await
}

/// That it takes at most 5 s is tested on a virtual clock.
#[tokio::test]
async fn a_ring_of_three_is_reported_on_each_of_its_pods() -> Result<()> {
    with_temp_ns(async |ns| {
        let mut pods = Vec::new();
        for (name, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
            let link = pod(name).depends_on(&format!("{next}/up"));
            let link = link.signals(&format!("{name}/up"));
            pods.push(ns.create_pod(link).await?);
        }
        for pod in &pods {
            pod.is_held().await?;
        }
        let ring = "Pod/a waits for b/up from Pod/b, Pod/b waits for c/up from Pod/c, Pod/c waits \
                    for a/up from Pod/a";
        for (pod, next) in pods.iter().zip(["b", "c", "a"]) {
            let message = pod.reports("Deadlock").await?;
            let begun = created(pod).await?;
            let expected = format!(
                "Deadlock: {ring}. Waiting since {begun} for 1 of 1: {next}/up: signalled by \
                 Pod/{next}, whose pod waits itself"
            );
            assert_eq!(message, expected);
        }
        eventually("each pod has an Event", async || {
            let told = ns.events("DependenciesDeadlocked").await?;
            Ok((told.len() == 3 && told.iter().all(|it| it.contains(ring))).then_some(()))
        })
        .await?;
        let status = ns.oncue(&["status"]).await?.text().await?;
        assert_eq!(status.matches(ring).count(), 3, "{status}");

        ns.store().create("b/up").await?;
        for pod in &pods {
            pod.is_running().await?;
            pod.reports("Held").await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_long_wait_is_an_event_that_kubectl_describes() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = pod("second").depends_on("first/container");
        let second = ns.create_pod(second).await?;
        second.is_held().await?;
        let begun = created(&second).await?;
        let expected = format!(
            "Waiting since {begun} for 1 of 1: first/container: does not exist, and no pod \
             signals it"
        );
        eventually("there is an Event", async || {
            let told = ns.events("WaitingForDependencies").await?;
            Ok((told == [expected.clone()]).then_some(()))
        })
        .await?;
        let described = second.describe().await?;
        let line = described.lines().find(|it| it.contains(&expected));
        assert!(
            line.is_some_and(|it| it.contains("oncue.dev/controller")),
            "{described}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_condition_of_a_gated_pod_says_that_it_timed_out_or_failed() -> Result<()> {
    with_temp_ns(async |ns| {
        let gated = |name: &str, terms: &str| {
            let gated = pod(name).depends_on(terms);
            gated.annotate("depends-on-mode", "gate")
        };
        let late = gated("late", "first/up").annotate("depends-on-timeout", "5s");
        let late = ns.create_pod(late).await?;
        let told = late.reports("TimedOut").await?;
        assert!(told.starts_with("Timed out. Waiting since "), "{told}");

        let doomed = ns
            .create_pod(gated("doomed", "first/up, !first/bad"))
            .await?;
        doomed.reports("Waiting").await?;
        ns.store().create("first/bad").await?;
        let told = doomed.reports("Failed").await?;
        assert!(told.contains(" for 2 of 2: !first/bad: exists; "), "{told}");

        ns.store().create("first/up").await?;
        let told = late.reports("Held").await?;
        assert_eq!(told, "The scheduling gate is open");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_wait_that_failed_in_a_pod_that_never_restarts_stays_reported() -> Result<()> {
    with_temp_ns(async |ns| {
        let once = pod("once").once("true").depends_on("first/up");
        let once = ns
            .create_pod(once.annotate("depends-on-timeout", "3s"))
            .await?;
        once.has_failed().await?;
        eventually("the condition says how the wait ended", async || {
            let told = once.reports("TimedOut").await?;
            Ok(told.starts_with("Timed out after ").then_some(()))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_condition_that_someone_removes_comes_back() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = pod("second").depends_on("first/container");
        let second = ns.create_pod(second).await?;
        let before = second.reports("Waiting").await?;
        remove_condition(&ns).await?;
        let after = second.reports("Waiting").await?;
        assert_eq!(after, before);
        Ok(())
    })
    .await
}

async fn remove_condition(ns: &Namespace) -> Result<()> {
    let ours = json!({"type": "oncue.dev/DependenciesHeld", "$patch": "delete"});
    let patch = json!({"status": {"conditions": [ours]}}).to_string();
    let patch = [
        "patch",
        "pod",
        "second",
        "--subresource=status",
        "-p",
        &patch,
    ];
    ns.kubectl(&patch).text().await?;
    Ok(())
}

/// Returns when a pod was created: its first wait begins then.
async fn created(pod: &LivePod) -> Result<Timestamp> {
    let created = pod.get().await?.metadata.creation_timestamp;
    Ok(created.context("a pod was created at some time")?.0)
}

/// Waits until the condition of a pod has this reason and message.
async fn says(pod: &LivePod, reason: &str, message: &str) -> Result<()> {
    eventually(message, async || {
        let said = pod.reports(reason).await?;
        Ok((said == message).then_some(()))
    })
    .await
}
