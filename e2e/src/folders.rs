//! The folders of the repository, of the cache and of programs.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Returns the folder for kubeconfigs and logs, outside of the work tree.
pub(crate) fn cache() -> PathBuf {
    env::var_os("ONCUE_E2E_CACHE").map_or_else(|| user_cache().join("oncue-e2e"), PathBuf::from)
}

/// Returns the cache folder, and creates it if necessary.
pub(crate) fn made_cache() -> Result<PathBuf> {
    let folder = cache();
    let made = fs::create_dir_all(&folder);
    made.with_context(|| format!("failed to create {}", folder.display()))?;
    Ok(folder)
}

/// Returns the folder of the repository.
pub(crate) fn repository() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder)
}

/// Returns the search path for programs: `PATH`, then kindbox's tools.
pub fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":");
    path.push(kindbox_cache().join("bin"));
    path
}

fn kindbox_cache() -> PathBuf {
    let named = env::var_os("KINDBOX_CACHE").map(PathBuf::from);
    named.unwrap_or_else(|| user_cache().join("kindbox"))
}

/// Returns `$XDG_CACHE_HOME`, or `~/.cache`.
fn user_cache() -> PathBuf {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache"))
}
