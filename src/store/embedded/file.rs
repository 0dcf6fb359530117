//! The file. It is opened again after an I/O error, and rewritten from memory if it cannot be
//! trusted or holds changes that were not acknowledged.

use std::{path::Path, time::Instant};

use redb::{Database, StorageBackend};
use tracing::{error, info, warn};

use super::{
    Medium, StoreError,
    fault::Attempt,
    storage::{Trust, WatchedStorage},
    tables::{self, Format},
};
use crate::{store::Update, world::variables::Variables};

/// Memory in bytes that redb may use for pages. All variables are in memory anyway. The memory plan
/// counts this as part of the store's fixed need.
const CACHE_BYTES: usize = 4 << 20;

/// The file that holds what was acknowledged.
pub(super) struct DataFile<M> {
    medium: M,
    /// `None` after an I/O error, until the file is restored.
    database: Option<Database>,
    format: Format,
    trust: Trust,
}

/// A file that was opened, and what is in it.
struct Found {
    database: Database,
    variables: Variables,
    format: Format,
}

impl<M: Medium> DataFile<M> {
    /// Opens the file and reads it, or creates it. Removes an incomplete new file after a crash.
    pub(super) fn open(medium: M) -> Result<(Self, Variables), StoreError> {
        medium.discard_new();
        let mut file = Self {
            medium,
            database: None,
            format: Format::Checked,
            trust: Trust::default(),
        };
        let (database, variables) = match file.read()? {
            Some(found) => {
                file.format = found.format;
                (found.database, found.variables)
            }
            None => (file.create(&Variables::default())?, Variables::default()),
        };
        file.database = Some(database);
        Ok((file, variables))
    }

    /// Rewrites a file of the former format, which accepts removals only. Without enough disk
    /// space, the old file stays open.
    pub(super) fn upgrade(&mut self, acknowledged: &Variables) -> Result<(), StoreError> {
        if self.format == Format::Checked {
            return Ok(());
        }
        self.medium.check_place()?;
        info!(path = %self.path().display(), "writing the file anew, with checksums");
        let created = self.create(acknowledged);
        if self.trust.is_lost() {
            // The file may have been deleted or replaced.
            self.database = None;
        }
        self.database = Some(created?);
        Ok(())
    }

    /// Makes the file hold `acknowledged` again if this is uncertain after an error.
    pub(super) fn make_ready(&mut self, acknowledged: &Variables) -> Result<(), StoreError> {
        self.medium.check_place()?;
        if self.database.is_none() {
            self.database = Some(self.restore(acknowledged)?);
        }
        Ok(())
    }

    /// Writes all of `updates`. After an error, the content of the file is uncertain: [`recover`].
    ///
    /// [`recover`]: Self::recover
    pub(super) fn write(&mut self, updates: &[Update]) -> Result<(), StoreError> {
        let database = self.database.take().ok_or(StoreError::Closed)?;
        tables::write(&database, updates).map_err(|failure| self.attempt("write").redb(failure))?;
        self.database = Some(database);
        Ok(())
    }

    /// Makes the file hold `acknowledged` again, now or before the next write.
    pub(super) fn recover(&mut self, acknowledged: &Variables) {
        let is_ours = self.medium.check_place();
        self.database = is_ours
            .and_then(|()| self.restore(acknowledged))
            .inspect_err(|error| error!(%error, "failed to open the file again"))
            .ok();
    }

    /// Returns the space of removed rows to the disk, as far as possible.
    pub(super) fn compact(&mut self, acknowledged: &Variables) {
        let Some(mut database) = self.database.take() else {
            return;
        };
        match database.compact() {
            Ok(_) => self.database = Some(database),
            Err(error) => {
                warn!(%error, "failed to make the file smaller");
                drop(database);
                self.recover(acknowledged);
            }
        }
    }

    /// Reserves disk space for removals.
    pub(super) fn reserve(&self) -> Result<(), StoreError> {
        self.medium.reserve()
    }

    /// Releases the reserved space.
    pub(super) fn release_reserve(&self) {
        self.medium.release_reserve();
    }

    /// Returns the free space of the disk in bytes.
    pub(super) fn free_space(&self) -> Result<u64, StoreError> {
        self.medium.free_space()
    }

    pub(super) fn now(&self) -> Instant {
        self.medium.now()
    }

    /// Returns the error of a file that cannot grow.
    pub(super) fn full(&self) -> StoreError {
        StoreError::Full {
            path: self.path().to_owned(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.medium.path()
    }

    /// Opens the file if it holds exactly what was acknowledged, and rewrites it otherwise: redb
    /// may have written a commit that it reported as failed.
    fn restore(&mut self, acknowledged: &Variables) -> Result<Database, StoreError> {
        if !self.trust.is_lost()
            && let Some(found) = self.reopen(acknowledged)?
        {
            self.format = found.format;
            return Ok(found.database);
        }
        let database = self.create(acknowledged)?;
        let path = self.path().display();
        warn!(%path, "wrote the file anew: it may have held what was not acknowledged");
        Ok(database)
    }

    /// Returns `None` if the file is unreadable or differs from `acknowledged`, which is complete
    /// in memory. Leaves a file alone that another process holds or that cannot be written.
    fn reopen(&self, acknowledged: &Variables) -> Result<Option<Found>, StoreError> {
        use StoreError::{Full, Locked, ReadOnly};
        match self.read() {
            Ok(found) => Ok(found.filter(|found| found.variables == *acknowledged)),
            Err(error @ (Full { .. } | Locked { .. } | ReadOnly { .. })) => Err(error),
            Err(error) => {
                error!(%error, "failed to read the file again");
                Ok(None)
            }
        }
    }

    fn read(&self) -> Result<Option<Found>, StoreError> {
        let Some(storage) = self.medium.open()? else {
            return Ok(None);
        };
        let read = || self.read_from(storage);
        self.attempt("read").reading(read).map(Some)
    }

    fn read_from(&self, storage: M::Storage) -> Result<Found, StoreError> {
        let database = self.database_on(storage);
        let database = database.map_err(|error| self.attempt("open").redb(error))?;
        let (variables, format) = tables::load(&database, self.attempt("read"))?;
        Ok(Found {
            database,
            variables,
            format,
        })
    }

    /// Writes a new file and replaces the existing one with it.
    fn create(&mut self, variables: &Variables) -> Result<Database, StoreError> {
        let database = self.write_new(variables);
        let database = database.inspect_err(|_| self.medium.discard_new())?;
        self.trust.lose();
        self.medium.adopt_new()?;
        self.trust.regain();
        self.format = Format::Checked;
        Ok(database)
    }

    fn write_new(&self, variables: &Variables) -> Result<Database, StoreError> {
        let storage = self.medium.create_new()?;
        let failed = |error| self.attempt("create").redb(error);
        let database = self.database_on(storage).map_err(|e| failed(e.into()))?;
        tables::create(&database, variables).map_err(failed)?;
        Ok(database)
    }

    fn database_on(&self, storage: impl StorageBackend) -> Result<Database, redb::DatabaseError> {
        let storage = WatchedStorage {
            storage,
            trust: self.trust.clone(),
        };
        redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(storage)
    }

    fn attempt(&self, action: &'static str) -> Attempt<'_> {
        Attempt {
            action,
            path: self.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Arc};

    use super::*;
    use crate::{
        language::{Namespace, VariableKey},
        life::{Assertion, AssertionId, Timestamp},
        store::embedded::directory::Directory,
    };

    fn mk_update(name: &str) -> Update {
        Update {
            key: VariableKey::new(Namespace::default(), name.parse().unwrap()),
            before: None,
            after: Some(Arc::new(Assertion {
                id: AssertionId::HAND,
                value: None,
                since: Timestamp::from_millis(1),
                expires: None,
            })),
        }
    }

    fn open(directory: &Path) -> (DataFile<Directory>, Variables) {
        DataFile::open(Directory::open(directory).unwrap()).unwrap()
    }

    /// Keeps a variable, as the writer does.
    fn keep(file: &mut DataFile<Directory>, kept: &mut Variables, name: &str) {
        let update = mk_update(name);
        file.make_ready(kept).unwrap();
        file.write(std::slice::from_ref(&update)).unwrap();
        kept.apply(&update);
    }

    /// Returns the inode number of the file.
    fn number(directory: &Path) -> u64 {
        let file = fs::metadata(directory.join("oncue.redb"));
        file.unwrap().ino()
    }

    #[test]
    fn a_file_that_is_not_trusted_is_replaced_in_its_directory() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut kept) = open(folder.path());
        keep(&mut file, &mut kept, "a");
        let before = number(folder.path());
        file.database = None;
        file.trust.lose();
        keep(&mut file, &mut kept, "b");
        assert_ne!(number(folder.path()), before);
        assert!(!folder.path().join("oncue.redb.new").exists());
        assert!(!file.trust.is_lost());
        drop(file);
        assert_eq!(open(folder.path()).1, kept);
    }

    #[test]
    fn what_a_crash_left_of_a_new_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut kept) = open(folder.path());
        keep(&mut file, &mut kept, "a");
        drop(file);
        let new = folder.path().join("oncue.redb.new");
        fs::write(&new, "half of a file").unwrap();
        assert_eq!(open(folder.path()).1, kept);
        assert!(!new.exists());
    }

    #[test]
    fn a_file_that_is_trusted_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut kept) = open(folder.path());
        keep(&mut file, &mut kept, "a");
        let before = number(folder.path());
        file.database = None;
        keep(&mut file, &mut kept, "b");
        assert_eq!(number(folder.path()), before);
        drop(file);
        assert_eq!(open(folder.path()).1, kept);
    }
}
