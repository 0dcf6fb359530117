//! `e2e up`: creates a cluster with oncue.

pub(crate) mod images;
mod kind;

use std::time::Instant;

use anyhow::Result;

use crate::{
    backend::Backend, cluster::Cluster, kubernetes::KubernetesVersion, release::Release,
    steps::step, tools,
};

/// What the user wants of the cluster. What is not named is kept, or gets its default.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Wanted {
    /// Version of Kubernetes, such as 1.34.4 [default: the newest that is tested, or the cluster's]
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<KubernetesVersion>,
    /// Number of nodes, including the control plane [default: 3, or the cluster's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
    pub nodes: Option<u32>,
    /// Backend of the store [default: kubernetes, or the cluster's]
    #[arg(long)]
    pub backend: Option<Backend>,
}

/// Creates or reuses the cluster, builds and loads the images, installs the chart, and waits.
///
/// Every step keeps what exists, so you can repeat it at any time.
pub async fn up(cluster: &Cluster, wanted: Wanted) -> Result<()> {
    let began = Instant::now();
    let made_of = step("tools", tools::prepare(wanted.kubernetes.clone())).await?;
    kind::ensure(cluster, &wanted, &made_of).await?;
    let (is_ready, tag) = tokio::join!(
        step("cluster is ready", kind::ready(cluster)),
        images::ensure(cluster, &made_of)
    );
    is_ready?;
    let tag = tag?;
    let backend = match wanted.backend {
        Some(backend) => Some(backend),
        None => Backend::installed(cluster).await?,
    };
    let backend = backend.unwrap_or(Backend::Kubernetes);
    let release = Release::of_this_tree(cluster.clone(), tag, backend);
    step(
        &format!("chart with the backend {backend}"),
        release.install(),
    )
    .await?;
    eprintln!("{:6.1} s  in all", began.elapsed().as_secs_f64());
    eprintln!("export KUBECONFIG={}", cluster.kubeconfig().display());
    Ok(())
}
