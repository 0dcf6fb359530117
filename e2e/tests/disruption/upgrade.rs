//! Upgrades from the chart and images of the previous commit to the present ones.

use anyhow::{Context, Result};
use e2e::{
    backend::Backend,
    kit::{Namespace, PLAIN_STORE_URL, PodManifest, WAIT, image, job, pod, with_oncue},
    previous,
};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

#[tokio::test]
async fn an_upgrade_from_the_previous_commit_keeps_signals_waiters_and_the_authority() -> Result<()>
{
    with_oncue(async |ns, oncue| {
        let previous = previous::release(ns.cluster(), oncue.release()).await?;
        oncue.release().uninstall().await?;
        let previous = previous.accepting_plain();
        let oncue = oncue.with_backend(previous.backend());
        let (present, store) = (oncue.release().accepting_plain(), ns.store());
        oncue.forget_variables().await?;
        // No webhook is there that would inject it anew.
        let former = ns.create_pod(injected_before_tls("former")).await?;
        previous.install().await?;
        oncue.is_ready().await?;
        store.create_with_value("by/hand", "kept").await?;
        let started = pod("started").depends_on("by/hand").signals("started/up");
        let started = ns.create_pod(started).await?;
        let waiting = pod("waiting").depends_on("started/up, late/signal");
        let waiting = ns.create_pod(waiting).await?;
        store.until("started/up").await?;
        waiting.is_held().await?;
        former.is_held().await?;
        let authority = oncue.authority().await?;
        let bundles = oncue.ca_bundles().await?;
        let runs = (
            started.run_of("started").await?,
            waiting.run_of(WAIT).await?,
            former.run_of(WAIT).await?,
        );
        let all_is_kept = async || {
            oncue.is_ready().await?;
            assert_eq!(oncue.authority().await?, authority);
            assert_eq!(oncue.ca_bundles().await?, bundles);
            assert_eq!(store.variables().await?, ["by/hand", "started/up"]);
            store.until("by/hand=kept").await?;
            assert_eq!(started.run_of("started").await?, runs.0);
            assert_eq!(waiting.run_of(WAIT).await?, runs.1);
            assert_eq!(former.run_of(WAIT).await?, runs.2);
            waiting.is_held().await?;
            former.is_held().await
        };

        present.install().await?;
        all_is_kept().await?;
        let new = ns.create_pod(pod("new").depends_on("late/signal")).await?;
        new.is_held().await?;
        assert!(wait_image(&waiting.get().await?)?.ends_with(previous.tag()));
        assert!(wait_image(&new.get().await?)?.ends_with(present.tag()));
        let listed = ns.oncue(&["status", "--injected"]).await?.text().await?;
        for (name, access) in [("former", " plain-http "), ("new", " token ")] {
            let row = listed
                .lines()
                .find(|line| line.contains(&format!(" {name} ")));
            let is_listed = row.is_some_and(|row| row.contains(access));
            assert!(is_listed, "{name}{access} in {listed}");
        }

        present.roll_back().await?;
        all_is_kept().await?;
        new.is_held().await?;
        store.create("late/signal").await?;
        for pod in [&waiting, &new, &former] {
            pod.is_running().await?;
            assert_eq!(pod.wait_ended().await?.code, 0);
        }
        store.until("former/up").await?;
        assert_eq!(store.owners("former/up").await?, [former.uid().await?]);
        Ok(())
    })
    .await
}

/// What the message of the refused upgrade tells the administrator to do.
#[tokio::test]
async fn an_upgrade_from_the_embedded_backend_carries_durable_variables_over() -> Result<()> {
    with_oncue(async |ns, oncue| {
        // That of the present image, as an administrator has it.
        Namespace::oncue_file().await?;
        let previous = previous::release(ns.cluster(), oncue.release()).await?;
        let previous = previous.with_backend(Backend::Embedded);
        oncue.release().uninstall().await?;
        oncue
            .with_backend(Backend::Embedded)
            .forget_variables()
            .await?;
        let oncue = oncue.with_backend(Backend::Kubernetes);
        oncue.forget_variables().await?;
        previous.install().await?;
        oncue.with_backend(Backend::Embedded).is_ready().await?;
        let store = ns.store();
        store.create_with_value("by/hand", "kept").await?;
        let migrate = pod("migrate").once("true");
        let migrate = migrate.annotate("signals-on-success", "migrate/done");
        ns.create_object(job(migrate)).await?;
        let started = pod("started").depends_on("by/hand").signals("started/up");
        let started = ns.create_pod(started).await?;
        let terms = "started/up, migrate/done, late/signal";
        let waiting = ns.create_pod(pod("waiting").depends_on(terms)).await?;
        store.until("started/up").await?;
        store.until("migrate/done").await?;
        waiting.is_held().await?;
        let run = waiting.run_of(WAIT).await?;
        // The controller does not find the Job any more: only what is carried over says so.
        ns.kubectl(&["delete", "job", "migrate"]).text().await?;

        let silent = json!({"store": {"formerVariables": ""}});
        let refused = oncue.release().try_install_with(silent).await?;
        assert!(!refused.success, "{}", refused.all());
        let save = "oncue vars list -A -o yaml";
        for part in [
            save,
            "kubectl apply -f variables.yaml",
            "formerVariables=carry-over",
        ] {
            assert!(
                refused.stderr.contains(part),
                "{part} in {}",
                refused.stderr
            );
        }
        let saved = ns.in_shell(save).await?;
        let carried = json!({"store": {"formerVariables": "carry-over", "acceptPlain": true}});
        oncue.release().install_with(carried).await?;
        let apply = ns.cluster().kubectl().args(["apply", "-f", "-"]);
        apply.stdin(saved).text().await?;

        oncue.is_ready().await?;
        for term in ["by/hand=kept", "migrate/done", "started/up"] {
            store.until(term).await?;
        }
        assert_eq!(store.owners("started/up").await?, [started.uid().await?]);
        ns.has_signals(&["by/hand", "migrate/done", "started/up"])
            .await?;
        waiting.is_held().await?;
        store.create("late/signal").await?;
        waiting.is_running().await?;
        assert_eq!(waiting.run_of(WAIT).await?, run);
        Ok(())
    })
    .await
}

/// Returns a pod as it was injected before the store had TLS: without a token, and with the URL of
/// plain HTTP.
fn injected_before_tls(name: &str) -> PodManifest {
    let record = json!({"hash": "bf0b1ee3fbbdc25c", "depends-on": ["late/signal"],
        "signals": ["former/up"], "signals-container": name});
    let mount = json!({"name": "oncue", "mountPath": "/oncue", "readOnly": true});
    let marker = json!(["/oncue/oncue-client", "create", "--marker"]);
    let of_pod = |name, field| {
        let field = json!({"fieldRef": {"fieldPath": format!("metadata.{field}")}});
        json!({"name": name, "valueFrom": field})
    };
    let wait = json!({
        "name": WAIT,
        "image": image::SCRATCH,
        "command": ["/oncue-client"],
        "args": ["wait", "--dir=/oncue", "--install", "--mark=former/up", "--", "late/signal"],
        "env": [
            {"name": "ONCUE_SERVER", "value": PLAIN_STORE_URL},
            of_pod("POD_NAME", "name"),
            of_pod("POD_NAMESPACE", "namespace"),
            of_pod("POD_UID", "uid"),
        ],
        "volumeMounts": [{"name": "oncue", "mountPath": "/oncue"}],
    });
    pod(name)
        .depends_on("late/signal")
        .signals("former/up")
        .annotate("oncue.dev/injected", &record.to_string())
        .label("oncue.dev/managed", "true")
        .container(json!({
            "lifecycle": {"postStart": {"exec": {"command": marker}}},
            "volumeMounts": [mount],
        }))
        .spec(json!({"initContainers": [wait], "volumes": [{"name": "oncue", "emptyDir": {}}]}))
}

/// Returns the image of the injected container.
fn wait_image(pod: &Pod) -> Result<&str> {
    let init = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.init_containers.as_ref());
    let wait = init.and_then(|init| init.iter().find(|container| container.name == WAIT));
    let image = wait.and_then(|wait| wait.image.as_deref());
    image.context("it was not injected")
}
