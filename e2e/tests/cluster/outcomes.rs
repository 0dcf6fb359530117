//! Waits that end with an optional term, a timeout or a failure.

use anyhow::Result;
use e2e::kit::{WAIT, pod, with_temp_ns};

#[tokio::test]
async fn an_optional_term_is_given_up_with_a_warning() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app").depends_on("?cache/warm within 2s");
        let pod = ns.create_pod(pod).await?;
        pod.is_running().await?;

        let log = pod.log(WAIT).await?;
        assert!(
            log.contains("Warning: gave up ?cache/warm within 2s after"),
            "{log}"
        );
        let ending = pod.wait_ended().await?;
        assert_eq!(ending.code, 0);
        assert!(
            ending.message.contains("; given up: ?cache/warm"),
            "{}",
            ending.message
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_timeout_fails_a_pod_that_does_not_restart() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app").once("true").depends_on("never/there");
        let pod = ns
            .create_pod(pod.annotate("depends-on-timeout", "2s"))
            .await?;
        pod.has_failed().await?;

        let ending = pod.wait_ended().await?;
        assert_eq!(ending.code, 124);
        assert!(ending.message.contains("never/there"), "{}", ending.message);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_restarting_pod_starts_late_after_its_timeout() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app")
            .depends_on("late/signal")
            .annotate("depends-on-timeout", "2s");
        let pod = ns.create_pod(pod).await?;
        assert_eq!(pod.wait_ended().await?.code, 124);
        pod.prints(WAIT, "Overdue for").await?;

        ns.store().create("late/signal").await?;
        pod.is_running().await?;
        assert_eq!(pod.wait_ended().await?.code, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_timeout_starts_a_pod_with_the_policy_proceed() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app")
            .depends_on("never/there")
            .annotate("depends-on-timeout", "2s")
            .annotate("depends-on-timeout-policy", "proceed");
        let pod = ns.create_pod(pod).await?;
        pod.is_running().await?;

        let ending = pod.wait_ended().await?;
        assert_eq!(ending.code, 0);
        let expected = "Warning: proceeding after 2s without never/there";
        assert!(ending.message.starts_with(expected), "{}", ending.message);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failure_term_ends_the_wait_at_once() -> Result<()> {
    with_temp_ns(async |ns| {
        let pod = pod("app")
            .once("true")
            .depends_on("migrate/done, !migrate/failed");
        let pod = ns.create_pod(pod).await?;
        pod.is_held().await?;

        ns.store().create("migrate/failed").await?;
        pod.has_failed().await?;
        let ending = pod.wait_ended().await?;
        assert_eq!(ending.code, 3);
        assert!(
            ending.message.contains("!migrate/failed"),
            "{}",
            ending.message
        );
        Ok(())
    })
    .await
}
