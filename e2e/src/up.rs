//! `e2e up`: creates a cluster with oncue.

pub(crate) mod images;
mod kind;

use std::time::Instant;

use anyhow::Result;

use crate::{cluster::Cluster, release::Release, steps::step, tools};

/// Creates or reuses the cluster, builds and loads the images, installs the chart, and waits.
///
/// Every step keeps what exists, so you can repeat it at any time.
pub async fn up(cluster: &Cluster, nodes: Option<u32>) -> Result<()> {
    let began = Instant::now();
    let made_of = step("tools", tools::prepare()).await?;
    kind::ensure(cluster, nodes, &made_of).await?;
    let (is_ready, tag) = tokio::join!(
        step("cluster is ready", kind::ready(cluster)),
        images::ensure(cluster, &made_of)
    );
    is_ready?;
    let tag = tag?;
    let release = Release::of_this_tree(cluster.clone(), tag);
    step("chart", release.install()).await?;
    eprintln!("{:6.1} s  in all", began.elapsed().as_secs_f64());
    eprintln!("export KUBECONFIG={}", cluster.kubeconfig().display());
    Ok(())
}
