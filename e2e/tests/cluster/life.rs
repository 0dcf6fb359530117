//! How long signals last.

use anyhow::{Context, Result};
use e2e::kit::{
    LivePod, Manifest, Namespace, WAIT, deployment, eventually, job, pod, stateful_set,
    with_temp_ns,
};
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;
use serde_json::json;

#[tokio::test]
async fn a_signal_ends_with_its_pod() -> Result<()> {
    with_temp_ns(async |ns| {
        let first = pod("first").signals("first/container");
        let first = ns.create_pod(first).await?;
        ns.store().until("first/container").await?;

        first.delete().await?;
        ns.store().until_gone("first/container").await?;
        let second = pod("second").depends_on("first/container");
        ns.create_pod(second).await?.is_held().await
    })
    .await
}

#[tokio::test]
async fn a_live_signal_that_someone_deletes_comes_back() -> Result<()> {
    with_temp_ns(async |ns| {
        let first = pod("first").signals("first/container=v1");
        let first = ns.create_pod(first).await?;
        first.is_running().await?;
        ns.store().until("first/container").await?;

        ns.store().delete("first/container").await?;
        ns.store().until("first/container=v1").await?;
        let owners = ns.store().owners("first/container").await?;
        assert_eq!(owners, [first.uid().await?]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_deployment_keeps_its_signal_through_a_rollout_and_loses_it_at_zero() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(deployment(1, pod("web").signals("web/up")))
            .await?;
        let old = ns.pods_of("web", 1).await?.remove(0);
        old.is_running().await?;
        ns.store().until("web/up").await?;

        let restart = ["rollout", "restart", "deployment/web"];
        ns.kubectl(&restart).text().await?;
        old.is_gone().await?;
        assert!(ns.store().exists("web/up").await?);
        let new = ns.pods_of("web", 1).await?.remove(0);
        is_owned_by(&ns, "web/up", &new).await?;

        let scale = ["scale", "deployment/web", "--replicas=0"];
        ns.kubectl(&scale).text().await?;
        ns.store().until_gone("web/up").await
    })
    .await
}

/// Kubernetes restarts all containers of a pod in place from 1.36 on.
#[tokio::test]
async fn a_restart_of_all_containers_in_place_withholds_the_signal() -> Result<()> {
    with_temp_ns(async |ns| {
        if ns.kubernetes_minor().await? < 36 {
            return Ok(());
        }
        let rule = json!({
            "action": "RestartAllContainers",
            "exitCodes": {"operator": "In", "values": [42]},
        });
        // Its first run ends once it is told to. The next run waits for its dependency again.
        let web = pod("web").depends_on("may/start").signals("web/up");
        let web = web.script("trap 'exit 42' TERM; sleep infinity & wait");
        let web = web.container(json!({"restartPolicy": "Never", "restartPolicyRules": [rule]}));
        let store = ns.store();
        store.create("may/start").await?;
        // Our types may be older than the cluster, and would drop the rule.
        ns.create_object(web).await?;
        let web = ns.pod("web");
        web.is_running().await?;
        store.until("web/up").await?;
        let (uid, wait) = (web.uid().await?, web.run_of(WAIT).await?);

        store.delete("may/start").await?;
        web.terminate("web").await?;
        store.until_gone("web/up").await?;
        web.runs_again_after(WAIT, &wait).await?;
        web.is_held().await?;
        assert_eq!(web.uid().await?, uid);

        store.create("may/start").await?;
        store.until("web/up").await?;
        assert_eq!(store.owners("web/up").await?, [uid]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_stateful_pod_does_not_inherit_the_signal_of_its_name() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = ns.store();
        store.create("may/start").await?;
        let db = pod("db").depends_on("may/start").signals("db/up");
        ns.create_object(stateful_set(1, db)).await?;
        store.until("db/up").await?;
        let (db, before) = (ns.pod("db-0"), ns.pod("db-0").uid().await?);

        store.delete("may/start").await?;
        db.delete().await?;
        store.until_gone("db/up").await?;
        db.is_held().await?;
        assert_ne!(db.uid().await?, before);
        assert!(!store.exists("db/up").await?);

        store.create("may/start").await?;
        store.until("db/up").await?;
        is_owned_by(&ns, "db/up", &db).await
    })
    .await
}

#[tokio::test]
async fn a_ready_signal_comes_and_goes_with_readiness() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = ns.store();
        let web = pod("web").signals("web/up").ready_while_exists(READY);
        let web = ns
            .create_pod(web.annotate("signals-on-ready", "web/ready"))
            .await?;
        web.is_running().await?;
        store.until("web/up").await?;
        assert!(!store.exists("web/ready").await?);

        web.exec(&["touch", READY]).await?;
        store.until("web/ready").await?;
        web.exec(&["rm", READY]).await?;
        store.until_gone("web/ready").await?;
        web.exec(&["touch", READY]).await?;
        store.until("web/ready").await?;
        assert_eq!(store.owners("web/up").await?, [web.uid().await?]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pods_that_signal_before_their_wait_can_wait_for_each_other() -> Result<()> {
    with_temp_ns(async |ns| {
        let peer = |name, other| {
            let peer = pod(name).depends_on(other);
            peer.annotate("signals-on-wait", "$(POD_NAME)")
        };
        let one = ns.create_pod(peer("one", "other")).await?;
        one.is_held().await?;
        let other = ns.create_pod(peer("other", "one")).await?;
        one.is_running().await?;
        other.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_success_of_a_job_outlives_the_job_and_its_pod() -> Result<()> {
    with_temp_ns(async |ns| {
        let migrate = run_of_job("migrate", "true").spec(json!({"ttlSecondsAfterFinished": 0}));
        ns.create_object(migrate).await?;
        ns.store().until("migrate/done").await?;
        eventually("the Job is gone by its TTL", async || {
            let jobs = ns.api::<Job>().list(&ListParams::default()).await?.items;
            let are_gone = jobs.is_empty() && ns.pod_count().await? == 0;
            Ok(are_gone.then_some(()))
        })
        .await?;
        let web = pod("web").depends_on("migrate/done, !migrate/failed");
        ns.create_pod(web).await?.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_job_ends_a_wait_and_the_next_run_clears_the_failure() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = ns.store();
        let terms = "migrate/done, !migrate/failed";
        let early = ns.create_pod(pod("early").once("true").depends_on(terms));
        let early = early.await?;
        early.is_held().await?;
        ns.create_object(run_of_job("migrate-v1", "false")).await?;
        assert_eq!(early.wait_ended().await?.code, 3);
        early.has_failed().await?;
        assert!(!store.exists("migrate/done").await?);

        ns.create_object(run_of_job("migrate-v2", "true")).await?;
        store.until("migrate/done").await?;
        store.until_gone("migrate/failed").await?;
        let late = ns.create_pod(pod("late").once("true").depends_on(terms));
        late.await?.has_succeeded().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn yesterdays_failure_does_not_end_the_wait_of_todays_release() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(run_of_job("migrate-v1", "false")).await?;
        ns.store().until("migrate/failed").await?;

        let released = |name: &str, terms: &str| pod(name).once("true").depends_on(terms);
        let terms = "migrate/done, !migrate/failed";
        let app = ns.create_pod(released("app", terms)).await?;
        let gated = released("gated", terms).annotate("depends-on-mode", "gate");
        let gated = ns.create_pod(gated).await?;
        let other = released("other", "never/there, !job:migrate-v1");
        let other = ns.create_pod(other).await?;
        for pod in [&app, &gated, &other] {
            pod.is_held().await?;
        }
        ns.create_object(run_of_job("migrate-v2", "true")).await?;
        app.has_succeeded().await?;
        gated.has_succeeded().await?;

        // Nothing clears the failure of a Job: it counts once the pod is no longer young.
        let ending = other.wait_ended().await?;
        assert_eq!(ending.code, 3);
        assert!(ending.message.contains("!job:migrate-v1"), "{ending:?}");
        let created = other.get().await?.metadata.creation_timestamp;
        let created = created.context("a pod has a time of creation")?.0;
        let waited = other.ended_at(WAIT).await?.duration_since(created);
        assert!(waited.as_secs() >= 29, "{waited:?}");
        Ok(())
    })
    .await
}

/// A pod is Ready while it has this file.
const READY: &str = "/tmp/ready";

/// Returns a Job that signals how it ends.
fn run_of_job(name: &str, script: &str) -> Manifest {
    let migrate = pod(name).once(script);
    let migrate = migrate.annotate("signals-on-success", "migrate/done");
    job(migrate.annotate("signals-on-failure", "migrate/failed"))
}

async fn is_owned_by(ns: &Namespace, name: &str, pod: &LivePod) -> Result<()> {
    let expected = [pod.uid().await?];
    let what = format!("{name} has one owner, the pod {}", pod.name());
    eventually(&what, async || {
        let owners = ns.store().owners(name).await?;
        Ok((owners == expected).then_some(()))
    })
    .await
}
