//! The folder that the containers of a pod share, and the client's files in it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use thiserror::Error;

use crate::pod_file::PodFile;

/// The name of the client's file in the folder.
const CLIENT: &str = "oncue-client";
const FAILED: &str = "failed";
const POD: &str = "pod.json";
const STARTED: &str = "started";

/// The shared folder of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// When a pod's first wait began, in the time since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Started {
    pub(crate) at: Duration,
    /// How long the store was unreachable since then.
    pub(crate) without_store: Duration,
}

impl Started {
    pub(crate) fn at(at: Duration) -> Self {
        Self {
            at,
            without_store: Duration::ZERO,
        }
    }
}

/// The stamp of a failed wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failed {
    /// The time of the failure, since the Unix epoch.
    pub(crate) at: Duration,
    /// The cause in a few words.
    pub(crate) cause: String,
}

impl Folder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the folder of the client's file. It is the pod's if a wait copied the client there.
    pub(crate) fn beside(executable: &Path) -> Self {
        Self::new(executable.parent().unwrap_or("/".as_ref()))
    }

    /// Copies the client from `executable`, and replaces an older one.
    pub(crate) fn install(&self, executable: &Path) -> Result<PathBuf, FolderError> {
        let target = self.path.join(CLIENT);
        let draft = self.draft(CLIENT);
        link_or_copy(executable, &draft)
            .and_then(|()| rename(&draft, &target))
            .map_err(|source| FolderError::Install {
                executable: executable.to_owned(),
                target: target.clone(),
                source,
            })?;
        Ok(target)
    }

    pub(crate) fn write_pod_file(&self, file: &PodFile) -> Result<(), FolderError> {
        let json = serde_json::to_string(file).expect("it has string keys only");
        self.write(POD, &json)
    }

    /// Returns the file that a wait left here, or `None` without one.
    pub(crate) fn read_pod_file(&self) -> Result<Option<PodFile>, FolderError> {
        let path = self.path.join(POD);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FolderError::Read { path, source }),
        };
        let parsed = serde_json::from_slice(&text).map(Some);
        parsed.map_err(|source| FolderError::Parse { path, source })
    }

    /// Returns the start of the pod's first wait: `now` without a stamp.
    pub(crate) fn begin(&self, now: Started) -> Result<Started, FolderError> {
        match self.started() {
            Some(started) => Ok(started),
            None => self.write_started(now).map(|()| now),
        }
    }

    pub(crate) fn write_started(&self, started: Started) -> Result<(), FolderError> {
        let Started { at, without_store } = started;
        self.write(
            STARTED,
            &format!("{} {}\n", at.as_secs(), without_store.as_millis()),
        )
    }

    /// Returns the stamp of an earlier wait. An unreadable stamp is ignored.
    fn started(&self) -> Option<Started> {
        let text = fs::read_to_string(self.path.join(STARTED)).ok()?;
        let (seconds, millis) = text.trim_end().split_once(' ')?;
        Some(Started {
            at: Duration::from_secs(seconds.parse().ok()?),
            without_store: Duration::from_millis(millis.parse().ok()?),
        })
    }

    pub(crate) fn write_failed(&self, failed: &Failed) -> Result<(), FolderError> {
        let Failed { at, cause } = failed;
        self.write(FAILED, &format!("{} {cause}\n", at.as_secs()))
    }

    /// Returns the stamp of an earlier failure. An unreadable stamp still means that a wait failed.
    pub(crate) fn failed(&self) -> Option<Failed> {
        let bytes = fs::read(self.path.join(FAILED)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let (seconds, cause) = text.trim_end().split_once(' ').unwrap_or_default();
        Some(Failed {
            at: Duration::from_secs(seconds.parse().unwrap_or_default()),
            cause: cause.to_owned(),
        })
    }

    /// Removes the stamps after a wait. A new wait of the pod counts from its own start.
    pub(crate) fn forget_the_wait(&self) {
        for stamp in [STARTED, FAILED] {
            let _ = fs::remove_file(self.path.join(stamp));
        }
    }

    /// Writes a file atomically, readable by everyone.
    fn write(&self, name: &str, content: &str) -> Result<(), FolderError> {
        let target = self.path.join(name);
        let draft = self.draft(name);
        // A killed process with the same id may have left a read-only draft.
        let _ = fs::remove_file(&draft);
        fs::write(&draft, content)
            .and_then(|()| fs::set_permissions(&draft, fs::Permissions::from_mode(0o444)))
            .and_then(|()| rename(&draft, &target))
            .map_err(|source| FolderError::Write {
                path: target,
                source,
            })
    }

    /// Returns a name beside `name` that no other process uses.
    fn draft(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.{}", std::process::id()))
    }
}

/// Removes the draft if it cannot be renamed.
fn rename(draft: &Path, target: &Path) -> io::Result<()> {
    fs::rename(draft, target).inspect_err(|_| {
        let _ = fs::remove_file(draft);
    })
}

/// A link shares its file's mode, so only a file that everyone can execute is linked.
fn link_or_copy(executable: &Path, draft: &Path) -> io::Result<()> {
    let _ = fs::remove_file(draft);
    let runs_for_all = fs::metadata(executable)?.permissions().mode() & 0o555 == 0o555;
    if runs_for_all && fs::hard_link(executable, draft).is_ok() {
        return Ok(());
    }
    fs::copy(executable, draft)?;
    fs::set_permissions(draft, fs::Permissions::from_mode(0o555))
}

/// An error in the shared folder.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    #[error("failed to copy {} to {}: {source}", .executable.display(), .target.display())]
    Install {
        executable: PathBuf,
        target: PathBuf,
        source: io::Error,
    },
    #[error("failed to parse {}: {source}", .path.display())]
    Parse {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("failed to read {}: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to write {}: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

#[cfg(test)]
mod tests;
