//! The errors of a store.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use oncue_language::{Condition, Namespace};
use thiserror::Error;

use crate::{
    fairness::{NoPlace, ShareTaken},
    memory::Exhausted,
};

/// Why a store cannot be opened, or a change cannot be kept.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The store is shutting down, or its writer has died.
    #[error("the store is closed")]
    Closed,
    /// The file does not hold what was written.
    #[error(
        "{} is damaged ({detail}): restore it from a backup, or move it away to start with an empty store",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk is full; nothing has changed.
    #[error("no space is left on the store's disk: free some, then try again; nothing has changed")]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The file was deleted or replaced while it was in use; nothing has changed.
    #[error(
        "{} was deleted or replaced while the store was running: put it back, or restart the store",
        path.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The operating system reported an error.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// The operation that failed.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: Arc<io::Error>,
    },
    /// The write was made, and this replica has not seen it in time.
    #[error(
        "the cluster has stored the change, and this replica has not seen it within {0:?}: look again \
         before you repeat it"
    )]
    NotShown(Duration),
    /// Another process has the store open.
    #[error(
        "{} is in use by another process: stop that one, or choose another directory",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A later version wrote the file.
    #[error(
        "{} has format {found}, and this version reads up to {known}: run the version that wrote it, or a later one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The latest format that this version reads.
        known: u64,
    },
    /// The file is not a store's.
    #[error("{} is not an oncue store: move it away, or choose another directory", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The variables have reached their memory limit. Nothing has changed.
    #[error("{0}: delete some, or raise --memory-limit; nothing has changed")]
    OverLimit(Exhausted),
    /// The cluster refused the change; nothing has changed.
    #[error(transparent)]
    Refused(Refusal),
    /// The directory or its file system is not writable.
    #[error("{} cannot be written: make it writable, or choose another directory", path.display())]
    ReadOnly {
        /// The directory or file.
        path: PathBuf,
    },
    /// The cluster did not keep the change in time. What is unknown may still happen.
    #[error("the cluster does not keep signals now ({0}): try again later")]
    Unavailable(String),
}

/// Why a cluster refused to keep a change.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// A right is missing; the API server's words say which.
    #[error(
        "the store may not change signals here: grant its ServiceAccount create, patch and delete on \
         signals.oncue.dev, or see which policy or quota refused it: {0}"
    )]
    Forbidden(String),
    /// The object is being deleted, and something keeps it.
    #[error(
        "the Signal {name} in {namespace} is being deleted: a finalizer keeps it: remove the \
         finalizer, or wait until the object is gone"
    )]
    Deleting {
        /// The namespace of the object.
        namespace: Namespace,
        /// Its name.
        name: String,
    },
    /// The API server, or the resource itself, does not allow this.
    #[error("no Signal can say this: {0}")]
    Invalid(String),
    /// The namespace does not exist.
    #[error("the namespace {0} does not exist: create it first")]
    NoNamespace(Namespace),
    /// Someone else's object has the name.
    #[error(
        "the Signal {name} in {namespace} has the name of this assertion and states something else: \
         delete it, or apply it under another name"
    )]
    Occupied {
        /// The namespace of the object.
        namespace: Namespace,
        /// Its name.
        name: String,
    },
    /// The namespace is being deleted.
    #[error("the namespace {0} is being deleted: no signal can be created in it")]
    Terminating(Namespace),
}

/// The part of a store that has ended.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum StoreDeath {
    /// The task that removes expired assertions.
    #[error("the store's task that removes expired assertions has died")]
    Expiry,
    /// The task that answers waiters.
    #[error("the store's task that answers waiters has died")]
    Release,
    /// The backend.
    #[error("the store's writer has died: no change can be kept any more")]
    Writer,
}

/// Why a wait is not held.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum WaitError {
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The store has no source for objects.
    #[error(
        "{condition} asks for an object, and this store watches none: objects are judged in a cluster, where the controller runs"
    )]
    NoObjects {
        /// The condition.
        condition: Box<Condition>,
    },
    /// This replica may miss what others have written.
    #[error("{STALE}")]
    Stale,
    /// Held waits have reached their memory limit.
    #[error("{0}: try again later")]
    OverLimit(Exhausted),
    /// The namespace has its share of the waiters.
    #[error(transparent)]
    ShareTaken(ShareTaken),
    /// The limit of held waiters is reached.
    #[error("{limit} waiters are held, which is all that are allowed: try again later")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// Why a watch did not start, or ended.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum WatchError {
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The namespace has its share of the watchers.
    #[error(transparent)]
    ShareTaken(ShareTaken),
    /// The watcher was too slow and must begin again.
    #[error("the watcher fell behind by {missed} changes: watch anew from the present state")]
    Slow {
        /// The number of missed changes.
        missed: u64,
    },
    /// The limit of watchers is reached.
    #[error("{limit} watchers are served, which is all that are allowed: try again later")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl From<NoPlace> for WaitError {
    fn from(error: NoPlace) -> Self {
        match error {
            NoPlace::AtAll { limit } => Self::TooMany { limit },
            NoPlace::ForNamespace(taken) => Self::ShareTaken(taken),
        }
    }
}

impl From<NoPlace> for WatchError {
    fn from(error: NoPlace) -> Self {
        match error {
            NoPlace::AtAll { limit } => Self::TooMany { limit },
            NoPlace::ForNamespace(taken) => Self::ShareTaken(taken),
        }
    }
}

/// Why a replica refuses to be asked.
pub(crate) const STALE: &str = "this replica of the store has not seen the cluster's signals for a while: ask again, another \
     replica may answer";
