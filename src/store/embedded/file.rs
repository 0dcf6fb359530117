//! The file. It is opened again after an I/O error, and rewritten from memory if it cannot be
//! trusted or holds changes that were not acknowledged.

use redb::{Database, StorageBackend};
use tracing::{error, warn};

use super::{
    Medium, StoreError,
    fault::Attempt,
    storage::{Trust, WatchedStorage},
    tables::{self, RowChange},
};
use crate::world::variables::Variables;

/// Memory that redb may use for pages; everything is in memory besides.
const CACHE_BYTES: usize = 4 << 20;

/// The file that holds what was acknowledged.
pub(super) struct DataFile<M> {
    medium: M,
    /// None after an I/O error, until the file was restored.
    database: Option<Database>,
    trust: Trust,
}

impl<M: Medium> DataFile<M> {
    /// Opens the file and reads it, or creates it.
    pub(super) fn open(medium: M) -> Result<(Self, Variables), StoreError> {
        let mut file = Self {
            medium,
            database: None,
            trust: Trust::default(),
        };
        let (database, variables) = match file.read()? {
            Some(found) => found,
            None => (file.create(&Variables::default())?, Variables::default()),
        };
        file.database = Some(database);
        Ok((file, variables))
    }

    /// Writes all of `changes`, or none of them: after an error the file is made to hold
    /// `acknowledged` again, at once or before anything else is written.
    pub(super) fn write(
        &mut self,
        acknowledged: &Variables,
        changes: &[RowChange<'_>],
    ) -> Result<(), StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => self.restore(acknowledged)?,
        };
        let written = tables::write(&database, changes);
        if let Err(failure) = written {
            drop(database);
            self.database = self
                .restore(acknowledged)
                .inspect_err(|error| error!(%error, "failed to open the file again"))
                .ok();
            return Err(self.attempt("write").redb(failure));
        }
        self.database = Some(database);
        Ok(())
    }

    /// Opens the file where it can be trusted to hold what was acknowledged and nothing else:
    /// redb may have written a commit although it failed.
    fn restore(&self, acknowledged: &Variables) -> Result<Database, StoreError> {
        if !self.trust.is_lost()
            && let Some((database, found)) = self.read()?
            && found == *acknowledged
        {
            return Ok(database);
        }
        let database = self.create(acknowledged)?;
        let path = self.medium.path().display();
        warn!(%path, "wrote the file anew: it may have held what was not acknowledged");
        Ok(database)
    }

    fn read(&self) -> Result<Option<(Database, Variables)>, StoreError> {
        let Some(storage) = self.medium.open()? else {
            return Ok(None);
        };
        let database = self.database_on(storage);
        let database = database.map_err(|error| self.attempt("open").redb(error))?;
        let variables = tables::load(&database, self.attempt("read"))?;
        Ok(Some((database, variables)))
    }

    /// Writes a new file, and puts it in the place of the one that is there.
    fn create(&self, variables: &Variables) -> Result<Database, StoreError> {
        self.trust.lose();
        let database = self.write_new(variables);
        let database = database.inspect_err(|_| self.medium.discard_new())?;
        self.medium.adopt_new()?;
        self.trust.regain();
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
            path: self.medium.path(),
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
        store::{Variable, embedded::directory::Directory},
    };

    fn mk_variable(name: &str) -> Variable {
        let key = VariableKey::new(Namespace::default(), name.parse().unwrap());
        let assertion = Assertion {
            id: AssertionId::HAND,
            value: None,
            since: Timestamp::from_millis(1),
            expires: None,
        };
        Variable::new(key, vec![Arc::new(assertion)]).unwrap()
    }

    fn open(directory: &Path) -> (DataFile<Directory>, Variables) {
        DataFile::open(Directory::open(directory).unwrap()).unwrap()
    }

    /// Keeps a variable, as the writer does.
    fn keep(file: &mut DataFile<Directory>, kept: &mut Variables, name: &str) {
        let variable = mk_variable(name);
        let put = RowChange::Put(variable.key(), &variable.assertions()[0]);
        file.write(kept, &[put]).unwrap();
        let key = variable.key().clone();
        kept.set(&key, Some(Arc::new(variable)));
    }

    /// Returns the number by which the file system knows the file.
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
