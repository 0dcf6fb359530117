//! The images: ours, built from this tree, and those of the tests' pods.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;

use crate::{
    cluster::Cluster,
    folders::{made_cache, repository},
    kit::image,
    process::Program,
    steps::step,
    tools::Nodes,
};

/// Time limit of a build without a cache, with fat LTO.
const BUILD: Duration = Duration::from_mins(30);

/// A tree of the repository and its target folder.
pub(crate) struct Tree<'a> {
    /// The folder of the tree.
    pub(crate) folder: &'a Path,
    /// Cargo's target folder, if it is not the one of this build.
    pub(crate) target: Option<PathBuf>,
}

/// Ensures that every image is in the engine and on the nodes. Returns the tag of ours.
pub(super) async fn ensure(cluster: &Cluster, made_of: &Nodes) -> Result<String> {
    let tree = Tree {
        folder: repository(),
        target: None,
    };
    let tag = source_tag(tree.folder).await?;
    build_unless_there(&tree, &tag).await?;
    let ours = names(&tag);
    let client = ours[1].as_str();
    Program::new("docker")
        .args(["tag", client, image::SCRATCH])
        .text()
        .await?;
    let applications = image::APPLICATIONS.map(str::to_owned);
    if !are_there(&applications).await? {
        step("applications' images are built", make_applications(made_of)).await?;
    }
    let [server, client] = ours;
    // Both names belong to one image.
    let released = [server, client, image::SCRATCH.to_owned()];
    step("images are on the nodes", async {
        load(cluster, &released).await?;
        load(cluster, &applications).await
    })
    .await?;
    Ok(tag)
}

/// Returns the tag: a hash of the sources.
pub(crate) async fn source_tag(tree: &Path) -> Result<String> {
    let tag = Program::new(tree.join("images/source-tag.sh"))
        .text()
        .await?;
    Ok(tag.trim().to_owned())
}

/// Returns the names of our images: server and client.
pub(crate) fn names(tag: &str) -> [String; 2] {
    ["oncue", "oncue-client"].map(|name| format!("ghcr.io/oncue-dev/{name}:{tag}"))
}

/// Extracts the program from the server's image, to run it on this machine.
pub(crate) async fn program(tag: &str) -> Result<PathBuf> {
    let [server, _] = names(tag);
    let docker = |command: &[&str]| Program::new("docker").args(command);
    let created = docker(&["create", &server]).text().await?;
    let container = created.trim();
    let program = made_cache()?.join("oncue");
    let inside = format!("{container}:/oncue");
    let copied = docker(&["cp", &inside]).arg(&program).text().await;
    docker(&["rm", container]).text().await?;
    copied?;
    Ok(program)
}

/// Builds the images of a tree, unless the engine has images with this tag.
pub(crate) async fn build_unless_there(tree: &Tree<'_>, tag: &str) -> Result<()> {
    if are_there(&names(tag)).await? {
        return Ok(());
    }
    step("images are built", build(tree, tag)).await
}

async fn are_there(images: &[String]) -> Result<bool> {
    let inspect = Program::new("docker")
        .args(["image", "inspect"])
        .args(images);
    Ok(inspect.outcome().await?.success)
}

async fn build(tree: &Tree<'_>, tag: &str) -> Result<()> {
    let script = tree.folder.join("images/build.sh");
    let build = Program::new(script).args(["--engine", "docker", "--tag", tag]);
    let build = match &tree.target {
        Some(target) => build.env("CARGO_TARGET_DIR", target),
        None => build,
    };
    build.limit(BUILD).shown().await
}

async fn make_applications(made_of: &Nodes) -> Result<()> {
    let from = match made_of {
        Nodes::Kindbox(_) => "packages",
        Nodes::Upstream(_) => "registry",
    };
    let script = repository().join("e2e/application-images.sh");
    Program::new(script).arg(from).text().await?;
    Ok(())
}

/// Loads the images, unless every node has all of them.
pub(crate) async fn load(cluster: &Cluster, images: &[String]) -> Result<()> {
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

/// Returns containerd's name of an image.
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
