//! The images: ours, built from the sources as they are, and the ones that the tests' pods run.

use std::time::Duration;

use anyhow::Result;

use crate::{
    cluster::{Cluster, repository},
    kit::image,
    process::Program,
    steps::step,
    tools::Nodes,
};

/// From nothing, every crate is compiled and linked with fat LTO.
const BUILD: Duration = Duration::from_mins(30);

/// Sees that every image is in the engine and on the nodes; returns the tag of ours.
pub(super) async fn ensure(cluster: &Cluster, made_of: &Nodes) -> Result<String> {
    let script = repository().join("images/source-tag.sh");
    let tag = Program::new(script).text().await?.trim().to_owned();
    let ours = ["oncue", "oncue-client"].map(|name| format!("ghcr.io/oncue-dev/{name}:{tag}"));
    if !are_there(&ours).await? {
        step("images are built", build(&tag)).await?;
    }
    let client = ours[1].as_str();
    Program::new("docker")
        .args(["tag", client, image::SCRATCH])
        .text()
        .await?;
    if !are_there(&image::APPLICATIONS.map(str::to_owned)).await? {
        step("applications' images are made", make_applications(made_of)).await?;
    }
    step("images are on the nodes", load(cluster, &ours)).await?;
    Ok(tag)
}

async fn are_there(images: &[String]) -> Result<bool> {
    let inspect = Program::new("docker")
        .args(["image", "inspect"])
        .args(images);
    Ok(inspect.outcome().await?.success)
}

async fn build(tag: &str) -> Result<()> {
    let script = repository().join("images/build.sh");
    let build = Program::new(script).args(["--engine", "docker", "--tag", tag]);
    build.limit(BUILD).shown().await
}

async fn make_applications(made_of: &Nodes) -> Result<()> {
    let from = match made_of {
        Nodes::Kindbox(_) => "packages",
        Nodes::Upstream => "registry",
    };
    let script = repository().join("e2e/application-images.sh");
    Program::new(script).arg(from).text().await?;
    Ok(())
}

async fn load(cluster: &Cluster, ours: &[String]) -> Result<()> {
    let load = cluster.kind(&["load", "docker-image"]);
    load.args(ours)
        .arg(image::SCRATCH)
        .args(image::APPLICATIONS)
        .text()
        .await?;
    Ok(())
}
