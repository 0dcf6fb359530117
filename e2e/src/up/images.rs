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
    let applications = image::APPLICATIONS.map(str::to_owned);
    if !are_there(&applications).await? {
        step("applications' images are made", make_applications(made_of)).await?;
    }
    let [server, client] = ours;
    // Together, since one is another name of the other.
    let released = [server, client, image::SCRATCH.to_owned()];
    step("images are on the nodes", async {
        load(cluster, &released).await?;
        load(cluster, &applications).await
    })
    .await?;
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

/// Loads them unless every node has all of them.
async fn load(cluster: &Cluster, images: &[String]) -> Result<()> {
    let nodes = cluster.kind(&["get", "nodes"]).text().await?;
    for node in nodes.lines() {
        let list = ["ctr", "--namespace=k8s.io", "images", "list", "--quiet"];
        let there = cluster.on_node(node, &list).text().await?;
        let is_there = |image: &String| there.lines().any(|name| name == full_name(image));
        if !images.iter().all(is_there) {
            cluster
                .kind(&["load", "docker-image"])
                .args(images)
                .text()
                .await?;
            break;
        }
    }
    Ok(())
}

/// Returns an image's name as containerd knows it.
fn full_name(image: &str) -> String {
    match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((registry, _)) if registry.contains('.') => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_containerd() {
        let names = [
            "busybox:1.36",
            "oncue-e2e/curl:1",
            "ghcr.io/oncue-dev/oncue:1",
        ];
        let full = names.map(full_name);
        assert_eq!(full[0], "docker.io/library/busybox:1.36");
        assert_eq!(full[1], "docker.io/oncue-e2e/curl:1");
        assert_eq!(full[2], names[2]);
    }
}
