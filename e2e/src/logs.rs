//! `e2e logs`: collects the state and the logs of the cluster as files in one folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    cluster::{Cluster, RELEASE, SYSTEM},
    folders::cache,
    tools,
};

/// Writes the logs of nodes, pods and oncue to the folder, and prints its path.
pub async fn collect(cluster: &Cluster, folder: Option<PathBuf>) -> Result<()> {
    tools::demand_tools()?;
    let folder = folder.unwrap_or_else(|| cache().join(format!("{}-logs", cluster.name())));
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    for (file, args) in QUESTIONS {
        ask(cluster, &folder.join(file), args).await?;
    }
    for component in ["webhook", "store"] {
        let file = folder.join(format!("oncue-{component}.log"));
        let selector =
            format!("app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component={component}");
        let args = [
            "logs",
            "-n",
            SYSTEM,
            "--prefix",
            "--tail=-1",
            "-l",
            &selector,
        ];
        ask(cluster, &file, &args).await?;
    }
    let nodes = folder.join("nodes");
    let exported = cluster
        .kind(&["export", "logs", &nodes.to_string_lossy()])
        .outcome()
        .await?;
    fs::write(folder.join("export.log"), exported.all())?;
    println!("{}", folder.display());
    Ok(())
}

/// A command of kubectl, and the file for its output.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("nodes.txt", &["describe", "nodes"]),
    ("pods.txt", &["get", "pods", "-A", "-o", "wide"]),
    ("pods.yaml", &["get", "pods", "-A", "-o", "yaml"]),
    (
        "events.txt",
        &["get", "events", "-A", "--sort-by=.lastTimestamp"],
    ),
    (
        "oncue.txt",
        &["describe", "all,configmap,lease", "-n", SYSTEM],
    ),
    ("signals.yaml", &["get", "signals", "-A", "-o", "yaml"]),
    (
        "webhook-configuration.yaml",
        &[
            "get",
            "mutatingwebhookconfigurations",
            RELEASE,
            "-o",
            "yaml",
        ],
    ),
];

/// If a command fails, the file contains its error.
async fn ask(cluster: &Cluster, file: &Path, args: &[&str]) -> Result<()> {
    let answer = cluster.kubectl().args(args).outcome().await?;
    fs::write(file, answer.all()).with_context(|| format!("failed to write {}", file.display()))
}
