//! The directory of a store: its lock, and its file.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use redb::{Database, DatabaseError};

use super::{Medium, StoreError, fault::Attempt, tables};

const LOCK: &str = "oncue.lock";
const FILE: &str = "oncue.redb";
/// The file while it is created; what a crash leaves of it is overwritten.
const NEW_FILE: &str = "oncue.redb.new";

/// What every redb file begins with.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Memory that redb may use for pages; everything is in memory besides.
const CACHE_BYTES: usize = 4 << 20;

/// A directory that belongs to this process as long as this lives.
#[derive(Debug)]
pub(super) struct Directory {
    file: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory, and makes sure that a file of ours is in it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        create_directory(path)?;
        let lock = lock(&path.join(LOCK))?;
        let file = path.join(FILE);
        if fs::exists(&file).map_err(|error| attempt("look for", &file).io(error))? {
            refuse_foreign(&file)?;
            refuse_later_format(&file)?;
        } else {
            create(path, &file)?;
        }
        Ok(Self { file, _lock: lock })
    }
}

impl Medium for Directory {
    fn open(&self) -> Result<Database, StoreError> {
        redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .open(&self.file)
            .map_err(|error| attempt("open", &self.file).redb(error))
    }

    fn path(&self) -> &Path {
        &self.file
    }
}

fn attempt<'a>(action: &'static str, path: &'a Path) -> Attempt<'a> {
    Attempt { action, path }
}

fn create_directory(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(|error| attempt("create the directory", path).io(error))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        Some(_) | None => sync_directory(Path::new(".")),
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| attempt("open", path).io(error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(attempt("lock", path).io(error)),
    }
}

/// Refuses what is no redb file before redb touches it.
fn refuse_foreign(file: &Path) -> Result<(), StoreError> {
    let mut magic = [0; MAGIC.len()];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Ok(()) if magic == MAGIC => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(attempt("read", file).io(error))
        }
        Ok(()) | Err(_) => Err(StoreError::NotOurs {
            path: file.to_owned(),
        }),
    }
}

/// Refuses a later format before the file is opened for writing; what a crash has left can only be
/// looked at after it was repaired, and is refused then.
fn refuse_later_format(file: &Path) -> Result<(), StoreError> {
    match redb::Builder::new().open_read_only(file) {
        Ok(database) => tables::check_format(&database, attempt("read", file)),
        Err(DatabaseError::RepairAborted) => Ok(()),
        Err(error) => Err(attempt("open", file).redb(error)),
    }
}

/// Creates the file under another name, so that it is there wholly or not at all.
fn create(directory: &Path, file: &Path) -> Result<(), StoreError> {
    let new = directory.join(NEW_FILE);
    remove_leftover(&new)?;
    let database = Database::create(&new).map_err(|error| attempt("create", &new).redb(error))?;
    tables::create(&database).map_err(|error| attempt("create", &new).redb(error))?;
    drop(database);
    fs::rename(&new, file).map_err(|error| attempt("rename to", file).io(error))?;
    sync_directory(directory)
}

fn remove_leftover(new: &Path) -> Result<(), StoreError> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(attempt("remove", new).io(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name in a directory is durable only once the directory is synced.
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| attempt("sync the directory", path).io(error))
}
