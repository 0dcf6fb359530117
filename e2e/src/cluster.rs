//! The cluster of the tests: its name and the access to it.

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::{folders::cache, process::Program};

/// The namespace of the installation.
pub const SYSTEM: &str = "oncue-system";

/// The Helm release's name.
pub const RELEASE: &str = "oncue";

/// A kind cluster, by its name.
#[derive(Clone, Debug)]
pub struct Cluster {
    name: String,
}

impl Cluster {
    /// Returns the cluster that the environment names: `ONCUE_E2E_CLUSTER`, else `oncue-e2e`.
    pub fn from_env() -> Self {
        let name = env::var("ONCUE_E2E_CLUSTER").unwrap_or_else(|_| "oncue-e2e".to_owned());
        Self { name }
    }

    /// Returns the name of the kind cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path of the cluster's own kubeconfig. `~/.kube/config` stays unchanged.
    pub fn kubeconfig(&self) -> PathBuf {
        cache().join(format!("{}.kubeconfig", self.name))
    }

    /// Returns a client for the cluster's API.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.config().await?)?)
    }

    /// Returns the address of the cluster's API, and the credentials of its administrator.
    pub(crate) async fn config(&self) -> Result<Config> {
        let file = self.kubeconfig();
        let read = Kubeconfig::read_from(&file);
        let settings = read.with_context(|| {
            let shown = file.display();
            format!("failed to read {shown}: is the cluster up? `cargo run -p e2e -- up` makes it")
        })?;
        let options = KubeConfigOptions::default();
        Ok(Config::from_custom_kubeconfig(settings, &options).await?)
    }

    /// Returns kubectl for this cluster.
    pub fn kubectl(&self) -> Program {
        Program::new("kubectl").env("KUBECONFIG", self.kubeconfig())
    }

    /// Returns helm for this cluster.
    pub fn helm(&self) -> Program {
        Program::new("helm").env("KUBECONFIG", self.kubeconfig())
    }

    /// Returns a command of kind for this cluster.
    pub fn kind(&self, command: &[&str]) -> Program {
        let program = Program::new("kind").env("KUBECONFIG", self.kubeconfig());
        program.args(command).args(["--name", self.name.as_str()])
    }

    /// Returns a program that runs on a node as root.
    pub fn on_node(&self, node: &str, command: &[&str]) -> Program {
        Program::new("docker").args(["exec", node]).args(command)
    }

    /// Returns the signature of a text with the key of service accounts, in base64 for URLs.
    pub(crate) async fn signature(&self, text: &str) -> Result<String> {
        let key = "/etc/kubernetes/pki/sa.key";
        let sign = format!("printf %s \"$1\" | openssl dgst -sha256 -sign {key} | base64 --wrap=0");
        let node = format!("{}-control-plane", self.name);
        let signature = self.on_node(&node, &["sh", "-c", &sign, "sign", text]);
        let signature = signature.text().await?;
        Ok(signature
            .trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_"))
    }

    /// Returns whether the cluster exists.
    pub async fn exists(&self) -> Result<bool> {
        let listed = Program::new("kind")
            .args(["get", "clusters"])
            .text()
            .await?;
        Ok(listed.lines().any(|name| name == self.name))
    }

    /// Removes the cluster and its kubeconfig, if it exists.
    pub async fn remove(&self) -> Result<()> {
        self.kind(&["delete", "cluster"]).text().await?;
        // A cluster that was never created has no kubeconfig.
        let _ = fs::remove_file(self.kubeconfig());
        Ok(())
    }
}
