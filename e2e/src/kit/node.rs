//! A node that a test disturbs.

use anyhow::Result;

use crate::{cluster::Cluster, process::Program};

/// A node: a Docker container with a kubelet.
#[derive(Clone, Debug)]
pub struct Node {
    cluster: Cluster,
    name: String,
}

impl Node {
    pub(super) fn new(cluster: Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Restarts its kubelet, while the containers continue to run.
    pub async fn restart_kubelet(&self) -> Result<()> {
        self.run(&["systemctl", "restart", "kubelet"]).await
    }

    /// Restarts it with everything on it, as after a power failure.
    pub async fn restart(&self) -> Result<()> {
        let restart = ["restart", "--time=0", self.name.as_str()];
        Program::new("docker").args(restart).text().await?;
        Ok(())
    }

    /// Stops it with everything on it. The API server is not told.
    pub async fn stop(&self) -> Result<()> {
        let stop = ["stop", "--time=0", self.name.as_str()];
        Program::new("docker").args(stop).text().await?;
        Ok(())
    }

    /// Starts it again after [`stop`](Self::stop); one that runs goes on.
    pub async fn start(&self) -> Result<()> {
        let start = ["start", self.name.as_str()];
        Program::new("docker").args(start).text().await?;
        Ok(())
    }

    /// Sends a signal to the first process of a container.
    pub(super) async fn send_signal(&self, container_id: &str, signal: &str) -> Result<()> {
        let signal = format!("--signal={signal}");
        self.run(&[
            "ctr",
            "--namespace=k8s.io",
            "tasks",
            "kill",
            &signal,
            container_id,
        ])
        .await
    }

    async fn run(&self, command: &[&str]) -> Result<()> {
        self.cluster.on_node(&self.name, command).text().await?;
        Ok(())
    }
}
