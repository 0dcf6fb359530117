//! Pods that start after other pods.

use anyhow::Result;
use e2e::kit::{LivePod, WAIT, deployment, ended_at, pod, started_at, with_temp_ns};

#[tokio::test]
async fn second_starts_after_first() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = pod("second")
            .depends_on("first/container")
            .signals("second/dependent");
        let second = ns.create_pod(second).await?;
        second.is_held().await?;

        let first = ns
            .create_pod(pod("first").signals("first/container"))
            .await?;
        second.is_running().await?;

        starts_before(&first, &second).await?;
        ns.store().until("second/dependent").await
    })
    .await
}

#[tokio::test]
async fn second_does_not_wait_for_a_variable_that_exists() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_pod(pod("first").signals("first/container"))
            .await?;
        ns.store().until("first/container").await?;
        let second = ns
            .create_pod(pod("second").depends_on("first/container"))
            .await?;
        second.is_running().await?;

        let ending = second.wait_ended().await?;
        assert_eq!(ending.code, 0);
        assert!(
            ending.message.starts_with("Ready after"),
            "{}",
            ending.message
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn five_replicas_start_after_the_three_they_depend_on() -> Result<()> {
    with_temp_ns(async |ns| {
        let consumers = deployment(5, pod("consumer").depends_on("producer/up>=3"));
        ns.create_object(consumers).await?;
        let consumers = ns.pods_of("consumer", 5).await?;
        for consumer in &consumers {
            consumer.is_held().await?;
        }

        ns.create_object(deployment(3, pod("producer").signals("producer/up")))
            .await?;
        for consumer in &consumers {
            consumer.is_running().await?;
        }
        for producer in ns.pods_of("producer", 3).await? {
            for consumer in &consumers {
                starts_before(&producer, consumer).await?;
            }
        }
        Ok(())
    })
    .await
}

/// Checks the order: the container of `one` started, then the wait of `other` ended, then its own
/// container started.
async fn starts_before(one: &LivePod, other: &LivePod) -> Result<()> {
    let (one, other) = (one.get().await?, other.get().await?);
    let name = |pod: &k8s_openapi::api::core::v1::Pod| {
        pod.spec
            .as_ref()
            .map(|spec| spec.containers[0].name.clone())
            .unwrap_or_default()
    };
    let started = started_at(&one, &name(&one))?;
    let let_go = ended_at(&other, WAIT)?;
    assert!(
        started <= let_go,
        "started at {started}, let go at {let_go}"
    );
    assert!(let_go <= started_at(&other, &name(&other))?);
    Ok(())
}
