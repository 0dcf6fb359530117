//! What kubectl shows of a waiting pod.

use anyhow::Result;
use e2e::kit::{WAIT, pod, with_temp_ns};

#[tokio::test]
async fn describe_shows_the_terms_and_then_the_outcome() -> Result<()> {
    with_temp_ns(async |ns| {
        let terms = "first/container, workers/*>=2, ?tcp://cache:6379 within 1s";
        let app = ns.create_pod(pod("app").depends_on(terms)).await?;
        app.is_held().await?;
        let described = app.describe().await?;
        let arguments = lines_after(&described, "Args:");
        for term in [
            "first/container",
            "workers/*>=2",
            "?tcp://cache:6379 within 1s",
        ] {
            assert!(arguments.contains(&term), "{term} in {described}");
        }

        for name in ["first/container", "workers/a", "workers/b"] {
            ns.store().create(name).await?;
        }
        app.is_running().await?;
        let described = app.describe().await?;
        let outcome = lines_after(&described, "State:");
        let message = outcome.iter().find(|line| line.starts_with("Message:"));
        let message = message.copied().unwrap_or_default();
        assert!(message.contains("Ready after "), "{described}");
        assert!(
            message.contains(": first/container, workers/*>=2; given up: ?tcp://cache:6379"),
            "{message}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_log_shows_the_missing_terms_and_then_that_they_hold() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").depends_on("first/container, first/cache");
        let app = ns.create_pod(app).await?;
        app.is_held().await?;
        ns.store().create("first/container").await?;
        app.prints(WAIT, "Waiting for 1 of 2").await?;
        ns.store().create("first/cache").await?;
        app.is_running().await?;

        let log = ns.kubectl(&["logs", "app", "-c", WAIT]).text().await?;
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines[0], "Checking: first/container, first/cache");
        assert_eq!(
            lines[1],
            "Waiting for 2 of 2: first/container (does not exist), first/cache (does not exist)"
        );
        let later = "Waiting for 1 of 2: first/cache (does not exist) for ";
        assert!(lines.iter().any(|line| line.starts_with(later)), "{log}");
        let last = lines.last().copied().unwrap_or_default();
        assert!(last.starts_with("Ready after "), "{log}");
        assert!(last.ends_with("s: first/container, first/cache"), "{log}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_label_selects_injected_pods() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_pod(pod("other")).await?;
        let app = ns
            .create_pod(pod("app").depends_on("first/container"))
            .await?;
        app.is_held().await?;
        app.until("is told of as waiting", |pod| {
            let status = pod.status.as_ref();
            status.is_some_and(|status| status.init_container_statuses.is_some())
        })
        .await?;
        let list = [
            "get",
            "pods",
            "-l",
            "oncue.dev/managed=true",
            "--no-headers",
        ];
        let listed = ns.kubectl(&list).text().await?;
        let rows: Vec<Vec<_>> = listed
            .lines()
            .map(|row| row.split_whitespace().collect())
            .collect();
        assert_eq!(rows.len(), 1, "{listed}");
        assert_eq!(rows[0][..3], ["app", "0/1", "Init:0/1"], "{listed}");
        Ok(())
    })
    .await
}

/// Returns the lines after the first one that begins with this text.
fn lines_after<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim);
    lines
        .skip_while(|line| !line.starts_with(heading))
        .skip(1)
        .collect()
}
