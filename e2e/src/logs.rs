//! `e2e logs`: everything that explains what happened on the cluster, as files in one folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    cluster::{Cluster, RELEASE, SYSTEM, cache},
    tools,
};

/// Writes what the nodes, the API and oncue say into the folder, and prints where that is.
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

/// What is asked with kubectl, and the file that the answer goes to.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("nodes.txt", &["describe", "nodes"]),
    ("pods.txt", &["get", "pods", "-A", "-o", "wide"]),
    ("pods.yaml", &["get", "pods", "-A", "-o", "yaml"]),
    (
        "events.txt",
        &["get", "events", "-A", "--sort-by=.lastTimestamp"],
    ),
    ("oncue.txt", &["describe", "all,configmap", "-n", SYSTEM]),
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

/// A question that fails is an answer too: its words stand in the file.
async fn ask(cluster: &Cluster, file: &Path, args: &[&str]) -> Result<()> {
    let answer = cluster.kubectl().args(args).outcome().await?;
    fs::write(file, answer.all()).with_context(|| format!("failed to write {}", file.display()))
}
