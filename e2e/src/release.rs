//! The Helm release.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    cluster::{Cluster, RELEASE, SYSTEM},
    folders::repository,
    kit::{PLAIN_NAMESPACES, merge},
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
    backend: Backend,
    accepts_plain: bool,
}

impl Release {
    /// Returns the chart of this work tree with the images that have this tag.
    pub fn of_this_tree(cluster: Cluster, tag: String, backend: Backend) -> Self {
        Self::of(cluster, repository(), tag).with_backend(backend)
    }

    /// Returns the chart of a tree of the repository with the images that have this tag, and the
    /// backend `embedded`, which every chart has.
    pub fn of(cluster: Cluster, tree: &Path, tag: String) -> Self {
        Self {
            cluster,
            chart: tree.join("charts/oncue"),
            tag,
            backend: Backend::Embedded,
            accepts_plain: false,
        }
    }

    /// Lets pods that were injected before the store had TLS wait and signal in plain HTTP.
    #[must_use]
    pub fn accepting_plain(&self) -> Self {
        Self {
            accepts_plain: true,
            ..self.clone()
        }
    }

    /// Sets the backend of the store. A chart that knows no other one keeps `embedded`.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        if self.has_backends() {
            self.backend = backend;
        }
        self
    }

    /// Returns the backend of the store.
    pub fn backend(&self) -> Backend {
        self.backend
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
    pub async fn install_with(&self, values: Value) -> Result<()> {
        let installed = self.try_install_with(values).await?;
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

    /// Installs or upgrades the release, and returns what Helm says.
    pub async fn try_install_with(&self, values: Value) -> Result<Outcome> {
        let mut all = self.values();
        merge(&mut all, values);
        let helm = self.helm(&["upgrade", "--install", RELEASE, "--values=-"]);
        let helm = helm.arg(&self.chart).stdin(all.to_string());
        let helm = helm.args(["--create-namespace", "--wait", &timeout_flag()]);
        helm.outcome().await
    }

    /// Returns whether it is installed, with these images, this backend and no other
    /// values.
    pub async fn is_installed(&self) -> Result<bool> {
        let values = self.helm(&["get", "values", RELEASE, "--output=json"]);
        let values = values.outcome().await?;
        let installed = serde_json::from_str(&values.stdout).unwrap_or(Value::Null);
        Ok(values.success && installed == self.values())
    }

    /// The tests need no variables of an earlier backend, and the figures read the metrics from the
    /// nodes' network.
    fn values(&self) -> Value {
        let mut values = json!({
            "image": {"tag": self.tag},
            "client": {"image": {"tag": self.tag}},
            "networkPolicy": {"metricsFrom": []},
        });
        if self.has_backends() {
            let backend = self.backend.to_string();
            values["store"] = json!({"backend": backend, "formerVariables": "discard"});
        }
        if self.has_value("acceptPlain") {
            // Stated, because an upgrade from a chart without TLS demands it.
            values["store"]["acceptPlain"] = json!(self.accepts_plain);
            values["store"]["plainNamespaces"] = json!(PLAIN_NAMESPACES);
        }
        if self.has_value("crossNamespace") {
            values["policy"] = json!({"crossNamespace": self.cross_namespace()});
        }
        values
    }

    /// Returns what pods may read of other namespaces. Each backend is tested with another policy.
    fn cross_namespace(&self) -> &'static str {
        match self.backend {
            Backend::Embedded => "annotated",
            Backend::Kubernetes => "open",
        }
    }

    /// Returns whether the chart lets one choose the backend. Older ones have `embedded` only.
    fn has_backends(&self) -> bool {
        self.has_value("formerVariables")
    }

    /// Returns whether the chart has a value of this name.
    fn has_value(&self, name: &str) -> bool {
        let schema = fs::read_to_string(self.chart.join("values.schema.json"));
        schema.is_ok_and(|schema| schema.contains(&format!("\"{name}\"")))
    }

    /// Rolls back to the first revision since it was installed, and waits until that is ready.
    pub async fn roll_back(&self) -> Result<()> {
        let helm = self.helm(&["rollback", RELEASE, "1", "--wait", &timeout_flag()]);
        helm.text().await?;
        Ok(())
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
