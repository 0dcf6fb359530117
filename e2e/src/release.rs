//! The Helm release.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, RELEASE, SYSTEM},
    folders::repository,
    kit::merge,
    patience::timeout_flag,
    process::{Outcome, Program},
    up::images,
};

/// A chart with its images, on a cluster.
#[derive(Clone, Debug)]
pub struct Release {
    cluster: Cluster,
    chart: PathBuf,
    tag: String,
}

impl Release {
    /// Returns the chart of this work tree with the images that have this tag.
    pub fn of_this_tree(cluster: Cluster, tag: String) -> Self {
        Self::of(cluster, repository(), tag)
    }

    /// Returns the chart of a tree of the repository with the images that have this tag.
    pub fn of(cluster: Cluster, tree: &Path, tag: String) -> Self {
        Self {
            cluster,
            chart: tree.join("charts/oncue"),
            tag,
        }
    }

    /// Returns the tag of the images.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Installs or upgrades the release, and waits until it is ready.
    pub async fn install(&self) -> Result<()> {
        self.install_with(json!({})).await
    }

    /// Installs or upgrades the release with more values than those of its images, and waits until
    /// it is ready.
    pub async fn install_with(&self, mut values: Value) -> Result<()> {
        merge(&mut values, self.images());
        let helm = self.helm(&["upgrade", "--install", RELEASE, "--values=-"]);
        let helm = helm.arg(&self.chart).stdin(values.to_string());
        let helm = helm.args(["--create-namespace", "--wait", &timeout_flag()]);
        let installed = helm.outcome().await?;
        if installed.success {
            return Ok(());
        }
        bail!(
            "the chart's release did not get ready: {}; the last word of its pods is {:?}; \
             `cargo run -p e2e -- logs` collects the rest",
            installed.last_words(),
            self.last_words().await
        )
    }

    /// Returns whether it is installed, with these images and no other values.
    pub async fn is_installed(&self) -> Result<bool> {
        let values = self.helm(&["get", "values", RELEASE, "--output=json"]);
        let values = values.outcome().await?;
        let installed = serde_json::from_str(&values.stdout).unwrap_or(Value::Null);
        Ok(values.success && installed == self.images())
    }

    fn images(&self) -> Value {
        json!({"image": {"tag": self.tag}, "client": {"image": {"tag": self.tag}}})
    }

    /// Uninstalls the release, and waits until all of its objects are gone.
    pub async fn uninstall(&self) -> Result<()> {
        let helm = self.helm(&["uninstall", RELEASE, "--wait", &timeout_flag()]);
        helm.text().await?;
        Ok(())
    }

    /// Runs `helm test`, and returns its output.
    pub async fn test(&self) -> Result<String> {
        let helm = self.helm(&["test", RELEASE, "--logs", &timeout_flag()]);
        helm.text().await
    }

    /// Returns the notes of the installation.
    pub async fn notes(&self) -> Result<String> {
        self.helm(&["get", "notes", RELEASE]).text().await
    }

    /// Extracts the program `oncue` from the image, and returns its path.
    pub async fn oncue(&self) -> Result<PathBuf> {
        images::program(&self.tag).await
    }

    fn helm(&self, command: &[&str]) -> Program {
        let helm = self.cluster.helm().args(command);
        helm.args(["--namespace", SYSTEM])
    }

    async fn last_words(&self) -> String {
        let logs = [
            "logs",
            "-n",
            SYSTEM,
            "-l",
            "app.kubernetes.io/name=oncue",
            "--prefix",
            "--tail=1",
        ];
        let said = self.cluster.kubectl().args(logs).outcome().await;
        let said = said.as_ref().map_or("nothing", Outcome::last_words);
        said.to_owned()
    }
}
