//! `e2e demo`: runs examples/first-second on the cluster with the commands that a user would type.

use anyhow::{Context, Result};
use k8s_openapi::jiff::SignedDuration;

use crate::{
    cluster::Cluster,
    folders::repository,
    kit::{LivePod, Namespace, WAIT, started_at, with_temp_ns},
};

/// Shows that `second` waits and starts after `first`, then deletes both.
pub async fn demo(cluster: &Cluster) -> Result<()> {
    with_temp_ns(async |ns| {
        println!("\n# second is created first and waits\n");
        apply(&ns, "second.yaml").await?;
        let second = ns.pod("second");
        second.is_held().await?;
        show(&ns, &["get", "pods"]).await?;
        println!("{}\n", waiting_part(&second.describe().await?));
        show(&ns, &["logs", "second", "-c", WAIT]).await?;

        println!("# first is created, and second starts after it\n");
        apply(&ns, "first.yaml").await?;
        second.is_running().await?;
        show(&ns, &["get", "pods"]).await?;
        show(&ns, &["logs", "second", "-c", WAIT]).await?;
        let (first, second) = (ns.pod("first"), second);
        tell_times(&first, &second).await
    })
    .await
    .with_context(|| format!("failed to show the demo on {}", cluster.name()))
}

async fn apply(ns: &Namespace, file: &str) -> Result<()> {
    let path = repository().join("examples/first-second").join(file);
    println!("$ kubectl apply -f examples/first-second/{file}");
    let apply = ns.kubectl(&["apply", "-f", &path.to_string_lossy()]);
    println!("{}", apply.text().await?);
    Ok(())
}

async fn show(ns: &Namespace, args: &[&str]) -> Result<()> {
    println!("$ kubectl {}", args.join(" "));
    println!("{}", ns.kubectl(args).text().await?);
    Ok(())
}

/// Extracts the injected container from the output of `kubectl describe`.
fn waiting_part(description: &str) -> String {
    let from_wait = description
        .lines()
        .skip_while(|line| line.trim() != format!("{WAIT}:"));
    let part = from_wait.take_while(|line| !line.trim_start().starts_with("Ready:"));
    let lines: Vec<&str> = part.collect();
    format!(
        "$ kubectl describe pod second\n...\n{}\n...",
        lines.join("\n")
    )
}

async fn tell_times(first: &LivePod, second: &LivePod) -> Result<()> {
    let (one, other) = (first.get().await?, second.get().await?);
    let began = started_at(&other, WAIT)?;
    let times = [
        ("second began to wait", began),
        ("first started", started_at(&one, "first")?),
        ("second was let go", second.ended_at(WAIT).await?),
        ("second started", started_at(&other, "second")?),
    ];
    for (what, when) in times {
        let since: SignedDuration = when.duration_since(began);
        println!("{when}  +{:2} s  {what}", since.as_secs());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_injected_container_alone() {
        let description = "Name: second\nInit Containers:\n  oncue-wait:\n    Args:\n      wait\n    \
                           Ready:  False\nContainers:\n  second:\n";
        let part = waiting_part(description);
        assert!(
            part.contains("  oncue-wait:\n    Args:\n      wait\n..."),
            "{part}"
        );
        assert!(!part.contains("Containers:"), "{part}");
    }
}
