//! Installations and upgrades that the chart rejects, because of what the cluster has.

use anyhow::{Context, Result};
use e2e::{backend::Backend, cluster::Cluster, process::Program};

#[tokio::test]
async fn a_second_installation_is_rejected_and_the_first_is_named() -> Result<()> {
    let install = ["install", "other", CHART, "--namespace=other"];
    let parts = [
        "oncue is already in this cluster, as the release oncue in the namespace oncue-system",
        "A second installation would inject into the same pods",
        "upgrade it: helm upgrade oncue ... --namespace oncue-system",
    ];
    is_refused(&[&install[..], &["--create-namespace"]].concat(), &parts).await
}

#[tokio::test]
async fn an_upgrade_that_moves_the_store_is_rejected_until_allowed() -> Result<()> {
    let upgrade = [
        "upgrade",
        "oncue",
        CHART,
        "--namespace=oncue-system",
        "--reuse-values",
    ];
    let before = "https://oncue-store.oncue-system.svc.cluster.local.:9999";
    for (set, now) in [
        (
            "--set=store.port=9997",
            "https://oncue-store.oncue-system.svc.cluster.local.:9997",
        ),
        (
            "--set=clusterDomain=example.internal",
            "https://oncue-store.oncue-system.svc.example.internal.:9999",
        ),
        (
            "--set=fullnameOverride=cue",
            "https://cue-store.oncue-system.svc.cluster.local.:9999",
        ),
    ] {
        let message = format!("This upgrade would move the store from {before} to {now}");
        let parts = [&*message, "oncue status -A --injected lists them"];
        let command = [&upgrade[..], &[set]].concat();
        is_refused(&command, &parts).await?;
        let allowed = dry_run(&command).arg("--set=store.allowMove=true").text();
        allowed.await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_upgrade_that_changes_the_backend_is_rejected_until_variables_are_stated() -> Result<()>
{
    let installed = Backend::installed(&Cluster::from_env()).await?;
    let (other, parts) = match installed.context("oncue is installed")? {
        Backend::Kubernetes => (
            "--set=store.backend=embedded",
            [
                "from kubernetes to embedded, which does not read Signal objects",
                "volume data-oncue-store-0 is used again",
                "oncue vars apply -f variables.yaml",
            ],
        ),
        Backend::Embedded => (
            "--set=store.backend=kubernetes",
            [
                "from embedded to kubernetes, which does not find the variables on the volume",
                "oncue vars list -A -o yaml >variables.yaml",
                "kubectl apply -f variables.yaml",
            ],
        ),
    };
    let command = ["upgrade", "oncue", CHART, "--namespace=oncue-system", other];
    is_refused(&command, &parts).await?;
    for stated in ["carry-over", "discard"] {
        let stated = format!("--set=store.formerVariables={stated}");
        dry_run(&command).arg(stated).text().await?;
    }
    Ok(())
}

/// Checks that Helm rejects this command with a message that contains all `parts`.
async fn is_refused(command: &[&str], parts: &[&str]) -> Result<()> {
    let refused = dry_run(command).outcome().await?;
    assert!(!refused.success, "{}", refused.all());
    for part in parts {
        assert!(
            refused.stderr.contains(part),
            "{part} in {}",
            refused.stderr
        );
    }
    Ok(())
}

/// Returns a Helm command that reads the cluster and changes nothing.
fn dry_run(command: &[&str]) -> Program {
    Cluster::from_env()
        .helm()
        .args(command)
        .arg("--dry-run=server")
}

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/oncue");
