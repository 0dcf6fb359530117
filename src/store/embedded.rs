//! The backend that keeps everything in one directory: a crash-safe file, written by one thread.
//!
//! Concurrent changes share a sync: changes that arrive during one are committed with the next. A
//! change is acknowledged after its sync, so an acknowledged change is never lost.

mod directory;
mod fault;
mod file;
mod record;
mod shortage;
mod storage;
mod tables;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use futures_util::future::{BoxFuture, FutureExt};
use redb::StorageBackend;
use tokio::sync::{mpsc, oneshot};

use self::{
    directory::Directory,
    writer::{Request, Writer},
};
use crate::memory::Budget;

use super::{
    Mutation, StoreError,
    backend::{Backend, Committed, Feed},
    pulse::{Pulse, Vigil},
};

/// The most changes that are queued for the next sync. Further callers wait for a place.
const QUEUE: usize = 1024;

/// Disk space in bytes that is reserved for deletes: 512 pages of 4 KiB. A commit of deletes on a
/// full disk takes fewer, because it holds few of them; and the next one uses them again.
const RESERVE: usize = 2 << 20;

/// Keeps the variables in one directory.
#[derive(Debug)]
pub struct Embedded {
    path: PathBuf,
    /// `None` only while this is being dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    vigil: Vigil,
}

impl Embedded {
    /// Opens the store in `directory`, and creates both if they do not exist. New variables must
    /// fit into the budget `variables`. Existing ones are kept even beyond it.
    ///
    /// # Errors
    /// [`StoreError`]. The directory is left as it was.
    pub fn open(directory: &Path, variables: Budget) -> Result<Self, StoreError> {
        Self::on(Directory::open(directory)?, variables)
    }

    fn on(medium: impl Medium, variables: Budget) -> Result<Self, StoreError> {
        let path = medium.path().to_owned();
        let writer = Writer::open(medium, variables)?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (pulse, vigil) = Pulse::new();
        let thread = thread::Builder::new()
            .name("oncue-writer".to_owned())
            .spawn(move || {
                let _pulse = pulse;
                writer.run(receiver);
            })
            .map_err(|error| StoreError::Io {
                action: "start a thread that writes",
                path: path.clone(),
                source: Arc::new(error),
            })?;
        Ok(Self {
            path,
            requests: Some(sender),
            writer: Some(thread),
            vigil,
        })
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
        let sent = requests.send(request(reply)).await;
        sent.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl Backend for Embedded {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(|reply| Request::Start { feed, reply }).boxed()
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.ask(|reply| Request::Commit { mutation, reply })
            .boxed()
    }

    fn ended(&self) -> BoxFuture<'static, ()> {
        self.vigil.clone().ended().boxed()
    }
}

/// Waits for the writer, so that the directory can be opened again.
impl Drop for Embedded {
    fn drop(&mut self) {
        self.requests.take();
        if let Some(writer) = self.writer.take() {
            let _panicked = writer.join();
        }
    }
}

/// Access to the file, and to a new file that is written beside it and then replaces it.
trait Medium: Send + 'static {
    type Storage: StorageBackend;

    /// Opens the file, or returns `None` if it does not exist.
    fn open(&self) -> Result<Option<Self::Storage>, StoreError>;

    /// Creates the new file. An incomplete one from before is overwritten.
    fn create_new(&self) -> Result<Self::Storage, StoreError>;

    /// Replaces the file with the new one, durably.
    fn adopt_new(&self) -> Result<(), StoreError>;

    /// Removes the new file, complete or not.
    fn discard_new(&self);

    /// Checks that the file was neither deleted nor replaced.
    fn check_place(&self) -> Result<(), StoreError>;

    /// Reserves [`RESERVE`] bytes unless they are reserved already.
    fn reserve(&self) -> Result<(), StoreError>;

    /// Releases the reserved bytes.
    fn release_reserve(&self);

    /// Returns the free space of the disk in bytes.
    fn free_space(&self) -> Result<u64, StoreError>;

    /// Returns the current time.
    fn now(&self) -> Instant;

    /// Names the file in errors.
    fn path(&self) -> &Path;
}

#[cfg(test)]
mod tests;
