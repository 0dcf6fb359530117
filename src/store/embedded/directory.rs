//! The directory of a store: its lock, and its file.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Instant,
};

use parking_lot::Mutex;
use redb::{DatabaseError, backends::FileBackend};
use rustix::fs::statvfs;
use tracing::warn;

use super::{Medium, RESERVE, StoreError, fault::Attempt, tables};

const LOCK: &str = "oncue.lock";
const FILE: &str = "oncue.redb";
/// The name of a file that is not complete yet. After a crash, the next start removes it.
const NEW_FILE: &str = "oncue.redb.new";

/// Reserves space, which is released for deletes when the disk is full.
const RESERVE_FILE: &str = "oncue.reserve";

/// The first bytes of every redb file.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// A directory that is locked for this process until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    file: PathBuf,
    new: PathBuf,
    reserve: PathBuf,
    /// The file that was opened or adopted last.
    place: Mutex<Option<FileNumber>>,
    _lock: File,
}

/// The identity of a file: its device and inode.
type FileNumber = (u64, u64);

impl Directory {
    /// Locks the directory. Rejects a file in it that is not a store's.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        create_directory(path)?;
        for name in [LOCK, RESERVE_FILE, FILE] {
            refuse_special(&path.join(name))?;
        }
        let lock = lock(&path.join(LOCK))?;
        let file = path.join(FILE);
        if fs::exists(&file).map_err(|error| attempt("look for", &file).io(error))? {
            refuse_foreign(&file)?;
            attempt("read", &file).reading(|| refuse_later_format(&file))?;
        }
        Ok(Self {
            root: path.to_owned(),
            new: path.join(NEW_FILE),
            reserve: path.join(RESERVE_FILE),
            place: Mutex::default(),
            file,
            _lock: lock,
        })
    }
}

impl Medium for Directory {
    type Storage = FileBackend;

    fn open(&self) -> Result<Option<FileBackend>, StoreError> {
        match File::options().read(true).write(true).open(&self.file) {
            Ok(file) => {
                *self.place.lock() = number(&self.file);
                storage(file, &self.file).map(Some)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(attempt("open", &self.file).io(error)),
        }
    }

    fn create_new(&self) -> Result<FileBackend, StoreError> {
        remove(&self.new).map_err(|error| attempt("remove", &self.new).io(error))?;
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true);
        match file.open(&self.new) {
            Ok(file) => storage(file, &self.new),
            Err(error) => Err(attempt("create", &self.new).io(error)),
        }
    }

    fn adopt_new(&self) -> Result<(), StoreError> {
        fs::rename(&self.new, &self.file)
            .map_err(|error| attempt("rename to", &self.file).io(error))?;
        *self.place.lock() = number(&self.file);
        sync_directory(&self.root)
    }

    fn discard_new(&self) {
        if let Err(error) = remove(&self.new) {
            warn!(path = %self.new.display(), %error, "failed to remove a file that is of no use");
        }
    }

    fn check_place(&self) -> Result<(), StoreError> {
        if *self.place.lock() == number(&self.file) {
            Ok(())
        } else {
            Err(StoreError::Gone {
                path: self.file.clone(),
            })
        }
    }

    fn reserve(&self) -> Result<(), StoreError> {
        let is_there = |file: &fs::Metadata| file.is_file() && file.len() >= RESERVE as u64;
        if fs::metadata(&self.reserve).is_ok_and(|file| is_there(&file)) {
            return Ok(());
        }
        let reserved = File::create(&self.reserve).and_then(|mut file| {
            file.write_all(&vec![0xff; RESERVE])?;
            file.sync_all()
        });
        reserved.map_err(|error| {
            self.release_reserve();
            attempt("reserve space in", &self.reserve).io(error)
        })?;
        sync_directory(&self.root)
    }

    fn release_reserve(&self) {
        if let Err(error) = remove(&self.reserve) {
            warn!(path = %self.reserve.display(), %error, "failed to give up the reserved space");
        }
    }

    fn free_space(&self) -> Result<u64, StoreError> {
        let found = statvfs(&self.root);
        let found = found.map_err(|e| attempt("look for space in", &self.root).io(e.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn path(&self) -> &Path {
        &self.file
    }
}

fn number(file: &Path) -> Option<FileNumber> {
    let file = fs::metadata(file).ok()?;
    Some((file.dev(), file.ino()))
}

/// Rejects anything but a regular file, or none. Opening a FIFO, for example, would block.
fn refuse_special(file: &Path) -> Result<(), StoreError> {
    match fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(StoreError::NotOurs {
            path: file.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(attempt("look at", file).io(error)),
    }
}

fn storage(file: File, path: &Path) -> Result<FileBackend, StoreError> {
    FileBackend::new(file).map_err(|error| attempt("open", path).redb(error))
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

/// Rejects a file that is not redb's before redb touches it.
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

/// Rejects a later format before the file is opened for writing. After a crash, the file must be
/// repaired before its format can be read, so it is rejected later.
fn refuse_later_format(file: &Path) -> Result<(), StoreError> {
    match redb::Builder::new().open_read_only(file) {
        Ok(database) => tables::check_format(&database, attempt("read", file)).map(drop),
        Err(DatabaseError::RepairAborted) => Ok(()),
        Err(error) => Err(attempt("open", file).redb(error)),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name in a directory is durable only once the directory is synced.
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| attempt("sync the directory", path).io(error))
}
