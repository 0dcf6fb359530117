//! The release: `helm test`, and what remains after `helm uninstall`.

use std::{cell::Cell, collections::BTreeSet};

use anyhow::{Context, Result, anyhow};
use e2e::{
    backend::Backend,
    kit::{Namespace, Oncue, deployment, eventually, is_injected, pod, with_oncue},
    process::Program,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::ListParams};
use serde_json::Value;

#[tokio::test]
async fn the_charts_own_test_passes() -> Result<()> {
    with_oncue(async |_, oncue| {
        let said = oncue.release().test().await?;
        assert!(said.contains("Phase:          Succeeded"), "{said}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn uninstalling_blocks_no_pods_and_the_notes_list_injected_ones() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let (release, store) = (oncue.release(), ns.store());
        store.create("early/signal").await?;
        let waiting = ns.create_pod(pod("waiting").depends_on("late/signal"));
        let waiting = waiting.await?;
        waiting.is_held().await?;
        let started = pod("started").depends_on("early/signal");
        ns.create_object(deployment(2, started.clone())).await?;
        for pod in ns.pods_of("started", 2).await? {
            pod.is_running().await?;
        }
        let ended = ns.create_pod(started.named("ended").once("true")).await?;
        ended.has_succeeded().await?;
        ns.create_pod(pod("plain").unscheduled()).await?;
        let notes = Recreation::of_notes(&oncue).await?;
        all_injected_are_named(&ns, &notes).await?;

        release.uninstall().await?;
        nothing_is_left_but_variables_and_the_authority(&oncue).await?;
        all_injected_are_named(&ns, &notes).await?;
        let new = ns.create_pod(pod("new").depends_on("late/signal")).await?;
        new.is_not_injected().await?;
        new.is_running().await?;

        release.install().await?;
        oncue.is_ready().await?;
        assert_eq!(store.variables().await?, ["early/signal"]);
        store.create("late/signal").await?;
        waiting.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_notes_leave_no_pod_waiting_before_an_uninstallation() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let waiting = |name| pod(name).depends_on("never/there");
        let inside = ns.create_pod(waiting("inside")).await?;
        let gated = waiting("gated").annotate("depends-on-mode", "gate");
        let gated = ns.create_pod(gated).await?;
        let stuck = ns.create_pod(waiting("stuck").unscheduled()).await?;
        inside.is_held().await?;
        gated.is_held().await?;
        let [stop, release] = ending_waits(&oncue).await?;
        ns.in_shell(&stop).await?;
        let said = ns.in_shell(&release).await?;
        for pod in [&inside, &gated, &stuck] {
            let line = format!("release written: pod/{} -n {}\n", pod.name(), ns.name());
            assert!(said.contains(&line), "{said}");
        }
        inside.is_running().await?;
        gated.is_running().await?;
        let listed = format!(
            "released already, still waits: pod/stuck -n {}\n",
            ns.name()
        );
        until_it_prints(&ns, &release, &listed).await?;
        stuck.delete().await?;
        stuck.is_gone().await?;
        let recreated = ns.create_pod(waiting("stuck")).await?;
        recreated.is_running().await?;
        recreated.is_not_injected().await?;
        until_it_prints(&ns, &release, "no pod waits in the cluster\n").await?;

        oncue.release().uninstall().await?;
        for pod in [&inside, &gated, &recreated] {
            pod.is_running().await?;
        }
        oncue.release().install().await?;
        oncue.is_ready().await
    })
    .await
}

/// Returns the commands in the chart's notes that stop new pods from waiting, and release all others.
async fn ending_waits(oncue: &Oncue) -> Result<[String; 2]> {
    let notes = oncue.release().notes().await?;
    let (_, after) = notes
        .split_once("After an uninstallation, waiting pods wait forever.")
        .context("the notes say what to do about waiting pods")?;
    let (steps, _) = after
        .split_once("Injected pods keep")
        .context("the notes go on with injected pods")?;
    let commands = steps.lines().filter_map(|line| line.strip_prefix("  "));
    let commands: Vec<_> = commands.map(|line| line.trim().to_owned()).collect();
    let two = commands.try_into();
    two.map_err(|commands| anyhow!("these are not two commands: {commands:?}"))
}

/// Repeats a command line until it prints exactly this.
async fn until_it_prints(ns: &Namespace, line: &str, expected: &str) -> Result<()> {
    let said = Cell::new(String::new());
    let what = format!("{line} prints {expected:?}");
    let printed = eventually(&what, async || {
        let text = ns.in_shell(line).await?;
        let is_it = text == expected;
        said.set(text);
        Ok(is_it.then_some(()))
    });
    printed
        .await
        .with_context(|| format!("it prints {:?}", said.take()))
}

/// The commands in the chart's notes that list pods to recreate: the arguments of kubectl and of
/// oncue.
struct Recreation {
    kubectl: Vec<String>,
    oncue: Vec<String>,
}

impl Recreation {
    async fn of_notes(oncue: &Oncue) -> Result<Self> {
        let notes = oncue.release().notes().await?;
        let arguments_of = |program, word| {
            let mut lines = notes.lines().map(str::trim);
            let line = lines.find(|line| line.starts_with(program) && line.contains(word));
            let words = line.with_context(|| format!("the notes have a line {program} {word}"))?;
            let words = words.split_whitespace().skip(1).map(str::to_owned);
            Ok::<Vec<_>, anyhow::Error>(words.collect())
        };
        Ok(Self {
            kubectl: arguments_of("kubectl", "status.phase!=Succeeded")?,
            oncue: arguments_of("oncue", "--injected")?,
        })
    }
}

/// Checks that both commands list exactly the injected pods of the cluster that have not ended. In
/// this test's namespace, there are three.
async fn all_injected_are_named(ns: &Namespace, notes: &Recreation) -> Result<()> {
    // Pods of earlier tests may still terminate.
    let injected = eventually("all pods that are injected are named", async || {
        let table = ns.cluster().kubectl().args(&notes.kubectl).text().await?;
        let status = Program::new(Namespace::oncue_file().await?)
            .env("KUBECONFIG", ns.cluster().kubeconfig())
            .args(&notes.oncue)
            .arg("--output=json");
        let status = status.text().await?;
        let injected = injected(ns).await?;
        let are_named = in_table(&table) == injected && in_json(&status)? == injected;
        Ok(are_named.then_some(injected))
    });
    let injected = injected.await?;
    let here = injected.iter().filter(|pod| pod[0] == ns.name()).count();
    assert_eq!(here, 3, "{injected:?}");
    Ok(())
}

/// Reads namespaces and names from kubectl's table.
fn in_table(table: &str) -> BTreeSet<[String; 2]> {
    let rows = table.lines().skip(1).map(str::split_whitespace);
    let names = rows.map(|mut row| [(); 2].map(|()| row.next().unwrap_or_default().to_owned()));
    names.collect()
}

/// Reads namespaces and names from the output of `oncue status --injected`.
fn in_json(status: &str) -> Result<BTreeSet<[String; 2]>> {
    let status: Value = serde_json::from_str(status)?;
    let pods = status["pods"].as_array().context("it has pods")?.iter();
    let names = pods.map(|pod| {
        ["namespace", "name"].map(|key| pod[key].as_str().unwrap_or_default().to_owned())
    });
    Ok(names.collect())
}

/// Returns namespaces and names of injected pods that have not ended.
async fn injected(ns: &Namespace) -> Result<BTreeSet<[String; 2]>> {
    let pods: Api<Pod> = Api::all(ns.client());
    let pods = pods.list(&ListParams::default()).await?.items;
    let has_ended = |pod: &Pod| {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Failed" | "Succeeded"))
    };
    let injected = pods
        .iter()
        .filter(|pod| is_injected(pod) && !has_ended(pod));
    let names = injected.map(|pod| {
        let metadata = &pod.metadata;
        [&metadata.namespace, &metadata.name].map(|name| name.clone().unwrap_or_default())
    });
    Ok(names.collect())
}

/// Waits until no object of the release remains except what keeps the variables, and no other
/// cluster-scoped object has its name.
async fn nothing_is_left_but_variables_and_the_authority(oncue: &Oncue) -> Result<()> {
    let kubectl = |args: &[&str]| oncue.system().cluster().kubectl().args(args);
    let list = ["api-resources", "--verbs=list", "-o", "name"];
    let kinds = kubectl(&list).text().await?;
    let kinds = kinds.lines().collect::<Vec<_>>().join(",");
    let label = "app.kubernetes.io/instance=oncue";
    let labelled = ["get", &kinds, "-A", "-o", "name", "-l", label];
    let variables = match oncue.backend() {
        Backend::Embedded => "persistentvolumeclaim/data-oncue-store-0",
        Backend::Kubernetes => "customresourcedefinition.apiextensions.k8s.io/signals.oncue.dev",
    };
    let kept = BTreeSet::from([variables, "secret/oncue-webhook-ca"]);
    eventually(
        "nothing of the release is left but variables and the authority",
        async || {
            let left = kubectl(&labelled).text().await?;
            Ok((left.lines().collect::<BTreeSet<_>>() == kept).then_some(()))
        },
    )
    .await?;
    let whole = "mutatingwebhookconfigurations,clusterroles,clusterrolebindings,flowschemas,\
                 prioritylevelconfigurations";
    let names = kubectl(&["get", whole, "-o", "name"]).text().await?;
    assert!(!names.contains("oncue"), "{names}");
    Ok(())
}
