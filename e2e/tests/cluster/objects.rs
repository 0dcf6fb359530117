//! Pods that wait for objects of the cluster.

use anyhow::Result;
use e2e::kit::{
    Manifest, Namespace, WAIT, daemon_set, deployment, job, pod, service, stateful_set,
    with_temp_ns,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_pod_waits_until_workloads_are_rolled_out() -> Result<()> {
    with_temp_ns(async |ns| {
        let all = ["deployment:web", "statefulset:db", "daemonset:agent"];
        let app = pod("app").depends_on("deploy:web, sts:db, ds:agent");
        let app = ns.create_pod(app).await?;
        app.misses(&all.map(|term| format!("{term} does not exist")))
            .await?;

        let nowhere = json!({"nodeSelector": {"no": "such-node"}});
        let agents = daemon_set(pod("agent").spec(nowhere));
        for workload in [
            deployment(0, pod("web")),
            stateful_set(0, pod("db")),
            agents,
        ] {
            ns.create_object(workload).await?;
        }
        app.misses(&[
            "deployment:web is scaled to zero replicas",
            "statefulset:db is scaled to zero replicas",
            "daemonset:agent is wanted on no node",
        ])
        .await?;

        let scale = ["scale", "deployment/web", "statefulset/db", "--replicas=1"];
        ns.kubectl(&scale).text().await?;
        app.misses(&["daemonset:agent is wanted on no node"])
            .await?;
        let anywhere = json!({"spec": {"template": {"spec": {"nodeSelector": null}}}});
        patch(&ns, "daemonset/agent", &anywhere).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_for_ready_pods_and_a_ready_endpoint() -> Result<()> {
    with_temp_ns(async |ns| {
        let terms = ["pod:db-0", "pod:[app=db]>=2", "service:db"];
        let app = ns.create_pod(pod("app").depends_on(&terms.join(", ")));
        let app = app.await?;
        app.misses(&[
            "pod:db-0 does not exist",
            "pod:[app=db]>=2 there are no such pods",
            "service:db does not exist",
        ])
        .await?;

        ns.create_object(service("db")).await?;
        let db = pod("db").ready_while_exists(READY);
        let one = ns.create_pod(db.clone().named("db-0")).await?;
        one.is_running().await?;
        app.misses(&[
            "pod:db-0 is not Ready: ContainersNotReady",
            "pod:[app=db]>=2 0 of 2 pods are Ready",
            "service:db has no ready endpoint",
        ])
        .await?;

        one.exec(&["touch", READY]).await?;
        app.misses(&["pod:[app=db]>=2 1 of 2 pods are Ready"])
            .await?;
        let other = ns.create_pod(db.named("db-1")).await?;
        other.is_running().await?;
        other.exec(&["touch", READY]).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_until_a_job_is_complete() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(pod("app").depends_on("job:migrate, job:[run=now]"));
        let app = app.await?;
        app.misses(&[
            "job:migrate does not exist",
            "job:[run=now] there are no such Jobs",
        ])
        .await?;
        let migrate = pod("migrate").once("true").depends_on("may/migrate");
        let labels = json!({"metadata": {"labels": {"run": "now"}}});
        ns.create_object(job(migrate).with(labels)).await?;
        app.misses(&[
            "job:migrate 0 of 1 pods succeeded",
            "job:[run=now] 0 of 1 Jobs are complete",
        ])
        .await?;

        ns.store().create("may/migrate").await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failed_job_ends_a_wait_only_if_a_term_says_so() -> Result<()> {
    with_temp_ns(async |ns| {
        let strict = pod("strict").once("true");
        let strict = strict.depends_on("job:migrate, !job:migrate");
        let strict = ns.create_pod(strict).await?;
        let patient = ns.create_pod(pod("patient").depends_on("job:migrate"));
        let patient = patient.await?;
        strict.is_held().await?;

        ns.create_object(job(pod("migrate").once("false"))).await?;
        strict.has_failed().await?;
        let ending = strict.wait_ended().await?;
        assert_eq!(ending.code, 3);
        assert!(
            ending.message.contains("!job:migrate"),
            "{}",
            ending.message
        );
        patient
            .misses(&["job:migrate has failed: BackoffLimitExceeded"])
            .await?;
        ns.kubectl(&["delete", "job/migrate"]).text().await?;
        ns.create_object(job(pod("migrate").once("true"))).await?;
        patient.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_for_a_config_map_and_a_field_of_it() -> Result<()> {
    with_temp_ns(async |ns| {
        let terms = "cm:settings, configmap:settings{.data['log.level']}=debug, \
                     configmap:settings{.data.token}";
        let app = ns.create_pod(pod("app").depends_on(terms)).await?;
        app.misses(&[
            "configmap:settings does not exist",
            "configmap:settings{.data['log.level']}=debug does not exist",
            "configmap:settings{.data.token} does not exist",
        ])
        .await?;

        let data = json!({"log.level": "info"});
        ns.create_object(config_map("settings", &data)).await?;
        app.misses(&[
            "configmap:settings{.data['log.level']}=debug the field has another value",
            "configmap:settings{.data.token} the field is not set",
        ])
        .await?;

        let data = json!({"data": {"log.level": "debug", "token": "t"}});
        patch(&ns, "configmap/settings", &data).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_until_a_claim_is_bound() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(pod("app").depends_on("pvc:data")).await?;
        app.misses(&["persistentvolumeclaim:data does not exist"])
            .await?;
        ns.create_object(claim("data")).await?;
        app.misses(&["persistentvolumeclaim:data is not Bound: Pending"])
            .await?;

        // The claim is bound once a pod that uses it is scheduled.
        let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data"}});
        let user = pod("user").spec(json!({"volumes": [volume]}));
        ns.create_pod(user).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_waits_for_a_node_and_for_a_condition() -> Result<()> {
    with_temp_ns(async |ns| {
        let node = ns.nodes().await?.remove(0);
        let terms = format!("node:{node}, node:no-such-node, deployment:web=Available");
        let app = ns.create_pod(pod("app").depends_on(&terms)).await?;
        let no_node = "node:no-such-node does not exist";
        app.misses(&[no_node, "deployment:web=Available does not exist"])
            .await?;
        ns.create_object(deployment(1, pod("web").ready_while_exists(READY)))
            .await?;
        let web = ns.pods_of("web", 1).await?.remove(0);
        web.is_running().await?;
        let unavailable = "deployment:web=Available its condition Available is False";
        app.misses(&[no_node, unavailable]).await?;
        web.exec(&["touch", READY]).await?;
        app.misses(&[no_node]).await
    })
    .await
}

#[tokio::test]
async fn each_pod_waits_for_the_daemon_on_its_own_node() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(daemon_set(pod("agent").ready_while_exists(READY)))
            .await?;
        let agents = ns.pods_of("agent", WORKERS).await?;
        let mut apps = Vec::new();
        for agent in &agents {
            agent.is_running().await?;
            let node = agent.node().await?;
            let app = pod("app").named(&format!("on-{}", node.name()));
            let app = app.depends_on("daemonset:agent on node");
            apps.push(ns.create_pod(app.on_node(node.name())).await?);
        }
        for app in &apps {
            app.is_held().await?;
        }

        agents[0].exec(&["touch", READY]).await?;
        apps[0].is_running().await?;
        apps[1].is_held().await?;
        agents[1].exec(&["touch", READY]).await?;
        apps[1].is_running().await?;
        Ok(())
    })
    .await
}

/// Its kind is installed only while the pod waits, and only then may oncue read it.
#[tokio::test]
async fn a_pod_waits_for_an_object_of_a_kind_that_does_not_exist_yet() -> Result<()> {
    with_temp_ns(async |ns| {
        let (group, app) = (format!("{}.example.com", ns.name()), pod("app"));
        let term = format!("backups.{group}:nightly=Ready");
        let app = ns.create_pod(app.depends_on(&term)).await?;
        app.misses(&[format!(
            "{term} cannot be judged: the cluster has no backups.{group}"
        )])
        .await?;

        for object in [reader_of(&group), definition_of(&group)] {
            ns.create_beside(object).await?;
        }
        let crd = format!("crd/backups.{group}");
        let established = ["wait", "--for=condition=Established", &crd];
        ns.kubectl(&established).text().await?;
        let nightly = json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "Backup",
            "metadata": {"name": "nightly"},
        });
        ns.kubectl_apply(Manifest::new(nightly), &[]).text().await?;
        app.misses(&[format!("{term} has no condition Ready")])
            .await?;

        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        patch(&ns, &format!("backups.{group}/nightly"), &ready).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_that_waits_for_a_secret_reads_which_right_is_missing() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(pod("app").depends_on("secret:password, a/b"));
        let app = app.await?;
        let reason = "secret:password (cannot be judged: oncue may not read secrets; grant it get, \
                      list and watch in a ClusterRole with the label \
                      oncue.dev/aggregate-to-controller: \"true\")";
        app.prints(WAIT, reason).await?;
        // The other terms are judged.
        ns.store().create("a/b").await?;
        app.misses(&["secret:password cannot be judged"]).await
    })
    .await
}

/// Number of nodes that take any pod.
const WORKERS: usize = 2;

/// A pod is Ready while it has this file.
const READY: &str = "/tmp/ready";

async fn patch(ns: &Namespace, object: &str, fields: &Value) -> Result<()> {
    let patch = [
        "patch",
        object,
        "--type=merge",
        "--patch",
        &fields.to_string(),
    ];
    ns.kubectl(&patch).text().await?;
    Ok(())
}

fn config_map(name: &str, data: &Value) -> Manifest {
    Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    }))
}

fn claim(name: &str) -> Manifest {
    Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }))
}

/// Returns a definition of `Backup` in this group.
fn definition_of(group: &str) -> Manifest {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({
        "name": "v1",
        "served": true,
        "storage": true,
        "schema": {"openAPIV3Schema": schema},
    });
    Manifest::new(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("backups.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Backup", "plural": "backups", "singular": "backup"},
            "versions": [version],
        },
    }))
}

/// Returns the role that lets the controller read `Backup`s of this group.
fn reader_of(group: &str) -> Manifest {
    Manifest::new(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": format!("read-backups.{group}"),
            "labels": {"oncue.dev/aggregate-to-controller": "true"},
        },
        "rules": [{
            "apiGroups": [group],
            "resources": ["backups"],
            "verbs": ["get", "list", "watch"],
        }],
    }))
}
