//! Pods of controllers, with generated names or with ordinals.

use anyhow::Result;
use e2e::kit::{Manifest, PodManifest, cron_job, deployment, job, pod, stateful_set, with_temp_ns};
use serde_json::json;

#[tokio::test]
async fn a_job_waits_for_every_pod_of_a_parallel_job() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(job(pod("sum").once("true").depends_on("rows/*>=3")))
            .await?;
        let sum = ns.pods_of("sum", 1).await?.remove(0);
        sum.is_held().await?;

        ns.create_object(of_pods(2, pod("some").signals("rows/$(POD_NAME)")))
            .await?;
        ns.store().until("rows/*>=2").await?;
        sum.is_held().await?;

        ns.create_object(of_pods(1, pod("rest").signals("rows/$(POD_NAME)")))
            .await?;
        sum.has_succeeded().await?;
        Ok(())
    })
    .await
}

/// Creates the Job from the template, as the schedule would, without waiting for the next minute.
#[tokio::test]
async fn the_pods_of_a_cron_job_wait_and_signal() -> Result<()> {
    with_temp_ns(async |ns| {
        let never = json!({"suspend": true});
        let report = pod("report").once("true").depends_on("backup/begun");
        ns.create_object(cron_job(report).spec(never.clone()))
            .await?;
        let run = ["create", "job", "report-1", "--from=cronjob/report"];
        ns.kubectl(&run).text().await?;
        let report = ns.pods_of("report", 1).await?.remove(0);
        report.is_held().await?;

        ns.create_object(cron_job(pod("backup").signals("backup/begun")).spec(never))
            .await?;
        let run = ["create", "job", "backup-1", "--from=cronjob/backup"];
        ns.kubectl(&run).text().await?;
        report.has_succeeded().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_for_the_ordinals_it_names() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(stateful_set(2, pod("db").signals("db/$(POD_NAME)")))
            .await?;
        let client = pod("client").depends_on("db/db-0, db/db-1, db/db-2");
        let client = ns.create_pod(client).await?;
        ns.store().until("db/*>=2").await?;
        client.is_held().await?;

        let scale = ["scale", "statefulset", "db", "--replicas=3"];
        ns.kubectl(&scale).text().await?;
        client.is_running().await?;
        let mut names = ns.store().variables().await?;
        names.sort();
        assert_eq!(names, ["db/db-0", "db/db-1", "db/db-2"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_ordinal_waits_for_its_own_name() -> Result<()> {
    with_temp_ns(async |ns| {
        let shards = pod("shard").depends_on("seed/$(POD_NAME)");
        let all_at_once = json!({"podManagementPolicy": "Parallel"});
        ns.create_object(stateful_set(3, shards).spec(all_at_once))
            .await?;
        let [first, second, third] = ["shard-0", "shard-1", "shard-2"].map(|name| ns.pod(name));
        for shard in [&first, &second, &third] {
            shard.is_held().await?;
        }

        ns.store().create("seed/shard-1").await?;
        second.is_running().await?;
        first.is_held().await?;
        third.is_held().await
    })
    .await
}

/// A `StatefulSet` keeps its own order while its pods wait.
#[tokio::test]
async fn the_next_ordinal_is_created_after_the_first_is_released() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(stateful_set(2, pod("db").depends_on("disk/formatted")))
            .await?;
        ns.pod("db-0").is_held().await?;
        assert_eq!(ns.pod_count().await?, 1);

        ns.store().create("disk/formatted").await?;
        ns.pods_of("db", 2).await?;
        ns.pod("db-1").is_running().await?;
        let (one, other) = (ns.pod("db-0"), ns.pod("db-1"));
        assert!(one.started_at("db").await? <= other.started_at("db").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_barrier_of_eight_opens_with_the_eighth() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(job(pod("load").once("true").depends_on("workers/*>=8")))
            .await?;
        let load = ns.pods_of("load", 1).await?.remove(0);
        let workers = pod("worker").signals("workers/$(POD_NAME)");
        ns.create_object(deployment(7, workers)).await?;
        ns.store().until("workers/*>=7").await?;
        load.is_held().await?;

        let scale = ["scale", "deployment", "worker", "--replicas=8"];
        ns.kubectl(&scale).text().await?;
        load.has_succeeded().await?;
        Ok(())
    })
    .await
}

/// Returns a Job with that many parallel pods.
fn of_pods(count: u32, pod: PodManifest) -> Manifest {
    job(pod).spec(json!({"parallelism": count, "completions": count}))
}
