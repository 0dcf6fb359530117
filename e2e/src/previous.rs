//! The previous commit, as somebody has it installed who is about to upgrade.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    cluster::{Cluster, made_cache, repository},
    process::Program,
    release::Release,
    up::images::{self, Tree},
};

/// Returns the chart of the previous commit with its images, which are on the nodes then.
///
/// Where they are made from the same sources as the present ones, these stand in for them under
/// another name, so that an upgrade replaces every pod all the same.
pub async fn release(cluster: &Cluster, present: &Release) -> Result<Release> {
    let Some(commit) = commit().await? else {
        // Not by a macro, whose output is swallowed where a test succeeds.
        let _ = io::stderr().write_all(SHALLOW.as_bytes());
        return renamed(cluster, repository(), present.tag()).await;
    };
    let folder = extracted(&commit).await?;
    let tag = images::source_tag(&folder).await?;
    if tag == present.tag() {
        return renamed(cluster, &folder, &tag).await;
    }
    let tree = Tree {
        folder: &folder,
        target: Some(target().await?),
    };
    images::build_unless_there(&tree, &tag).await?;
    images::load(cluster, &images::names(&tag)).await?;
    Ok(Release::of(cluster.clone(), &folder, tag))
}

const SHALLOW: &str = "\n*** This clone has no HEAD~1: the upgrade is tested from the present chart \
                       and images, under another name. Fetch one commit more to test it from the \
                       previous ones.\n";

/// What the images' programs are compiled for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Returns the id of the previous commit, where the clone has it.
async fn commit() -> Result<Option<String>> {
    let git = Program::new("git").folder(repository());
    let git = git.args(["rev-parse", "--verify", "--quiet", "HEAD~1^{commit}"]);
    let found = git.outcome().await?;
    let commit = found.stdout.trim();
    Ok(found.success.then(|| commit.to_owned()))
}

/// Writes the sources of a commit into the cache, always into the same folder, since what is
/// compiled there is found again by its path.
async fn extracted(commit: &str) -> Result<PathBuf> {
    let cache = made_cache()?;
    let folder = cache.join("previous");
    let mark = folder.join(".commit");
    if fs::read_to_string(&mark).is_ok_and(|there| there == commit) {
        return Ok(folder);
    }
    // One that was never made needs not to be removed.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let archive = cache.join("previous.tar");
    let git = Program::new("git").folder(repository());
    let git = git.args(["archive", commit, "--output"]).arg(&archive);
    git.text().await?;
    // Not with the times of the commit: cargo would take what was built after it for fresh.
    let tar = Program::new("tar").folder(&folder);
    tar.args(["-x", "-m", "-f"]).arg(&archive).text().await?;
    fs::remove_file(&archive)?;
    fs::write(mark, commit)?;
    Ok(folder)
}

/// Returns cargo's target folder for what is in the cache. It cannot be that of this build: cargo
/// takes the crates of one work tree for those of another. What both have in common is copied
/// once, so that nothing but these is compiled again.
async fn target() -> Result<PathBuf> {
    let target = made_cache()?.join("previous-target");
    let named = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let ours = named.unwrap_or_else(|| repository().join("target"));
    if !target.exists() && ours.exists() {
        fs::create_dir(&target)?;
        for built in ["release", TARGET].map(|name| ours.join(name)) {
            if built.exists() {
                let copy = Program::new("cp").args(["--archive", "--reflink=auto"]);
                copy.arg(built).arg(&target).text().await?;
            }
        }
        // Should a build leave none, these would be taken for its own.
        for program in ["client/oncue-client-static", "release/oncue"] {
            let _ = fs::remove_file(target.join(TARGET).join(program));
        }
    }
    Ok(target)
}

/// Returns the chart of a tree with the images of a tag, under another tag.
async fn renamed(cluster: &Cluster, tree: &Path, tag: &str) -> Result<Release> {
    let other = format!("{tag}-before");
    let names = images::names(&other);
    for (image, name) in images::names(tag).iter().zip(&names) {
        let docker = Program::new("docker").args(["tag", image, name]);
        docker.text().await?;
    }
    images::load(cluster, &names).await?;
    Ok(Release::of(cluster.clone(), tree, other))
}
