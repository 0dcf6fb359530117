//! The chart and images of the previous commit, as the start of an upgrade.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    cluster::Cluster,
    folders::{made_cache, repository},
    process::Program,
    release::Release,
    up::images::{self, Tree},
};

/// Returns the chart of the previous commit with the backend of the present one, if it has that
/// already, and loads its images on the nodes.
///
/// If the sources of the images are the same, uses the present images under another tag, so that an
/// upgrade still replaces every pod.
pub async fn release(cluster: &Cluster, present: &Release) -> Result<Release> {
    let previous = without_backend(cluster, present).await?;
    Ok(previous.with_backend(present.backend()))
}

async fn without_backend(cluster: &Cluster, present: &Release) -> Result<Release> {
    let Some(commit) = commit().await? else {
        // Not `println!`, because libtest hides its output if a test succeeds.
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

/// The target of the images' programs.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Returns the id of the previous commit, if the clone has it.
async fn commit() -> Result<Option<String>> {
    let git = Program::new("git").folder(repository());
    let git = git.args(["rev-parse", "--verify", "--quiet", "HEAD~1^{commit}"]);
    let found = git.outcome().await?;
    let commit = found.stdout.trim();
    Ok(found.success.then(|| commit.to_owned()))
}

/// Writes the sources of a commit into the cache, always into the same folder, because cargo finds
/// compiled crates by their path.
async fn extracted(commit: &str) -> Result<PathBuf> {
    let cache = made_cache()?;
    let folder = cache.join("previous");
    let mark = folder.join(".commit");
    if fs::read_to_string(&mark).is_ok_and(|there| there == commit) {
        return Ok(folder);
    }
    // There may be no folder to remove.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let archive = cache.join("previous.tar");
    let git = Program::new("git").folder(repository());
    let git = git.args(["archive", commit, "--output"]).arg(&archive);
    git.text().await?;
    // Uses the present time: with the commit's time, cargo would use outdated builds.
    let tar = Program::new("tar").folder(&folder);
    tar.args(["-x", "-m", "-f"]).arg(&archive).text().await?;
    fs::remove_file(&archive)?;
    fs::write(mark, commit)?;
    Ok(folder)
}

/// Returns cargo's target folder for the sources in the cache. It cannot be that of this build,
/// because cargo confuses the crates of two work trees. Common parts are copied once.
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
        // A failed build must not leave the present programs here.
        for program in ["client/oncue-client-static", "release/oncue"] {
            let _ = fs::remove_file(target.join(TARGET).join(program));
        }
    }
    Ok(target)
}

/// Returns the chart of a tree, with the images of one tag under another tag.
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
