//! The backend of the store, by which its workload differs.

use std::fmt;

use anyhow::Result;

use crate::cluster::{Cluster, SYSTEM};

/// Where the store keeps its variables.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Backend {
    /// Signal objects of the Kubernetes API, with several pods
    Kubernetes,
    /// A volume, with one pod
    Embedded,
}

impl Backend {
    /// Returns the backend that is installed on the cluster, if the store is.
    pub async fn installed(cluster: &Cluster) -> Result<Option<Self>> {
        for backend in [Self::Kubernetes, Self::Embedded] {
            let get = [
                "get",
                backend.workload(),
                "--ignore-not-found",
                "-o",
                "name",
            ];
            let found = cluster.kubectl().args(["--namespace", SYSTEM]).args(get);
            if !found.text().await?.is_empty() {
                return Ok(Some(backend));
            }
        }
        Ok(None)
    }

    /// Returns the workload of the store, as kubectl writes it.
    pub fn workload(self) -> &'static str {
        match self {
            Self::Embedded => "statefulset/oncue-store",
            Self::Kubernetes => "deployment/oncue-store",
        }
    }

    /// Returns the chart's default number of the store's pods.
    pub fn replicas(self) -> usize {
        match self {
            Self::Embedded => 1,
            Self::Kubernetes => 2,
        }
    }
}

/// The value of `store.backend`.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Kubernetes => "kubernetes",
        })
    }
}
