//! Storage that can lose power at any operation, and runs full where it is told to.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use rand::{RngExt, rngs::StdRng};
use redb::{Database, StorageBackend};

use crate::store::{
    StoreError,
    embedded::{Medium, fault::Attempt, tables},
};

/// What a disk writes at once: a power cut leaves each of these old or new.
const SECTOR: usize = 512;

/// A disk that is shared by everybody who opened it.
#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<State>>);

struct State {
    /// What everybody reads while there is power.
    seen: Vec<u8>,
    /// What is there after a power cut, for sure.
    synced: Vec<u8>,
    /// What was done since the last sync.
    unsynced: Vec<Operation>,
    /// After how many operations the power goes.
    power: Option<usize>,
    /// How many bytes there are, where the disk can run full.
    space: Option<usize>,
}

enum Operation {
    Resize(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    /// Returns a disk with an empty store on it, as it is after a clean start and stop.
    pub(super) fn formatted() -> Self {
        let disk = Self::holding(Vec::new());
        let database = redb::Builder::new()
            .create_with_backend(disk.clone())
            .unwrap();
        tables::create(&database).unwrap();
        drop(database);
        disk
    }

    fn holding(content: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State {
            seen: content.clone(),
            synced: content,
            unsynced: Vec::new(),
            power: None,
            space: None,
        })))
    }

    /// Returns another disk with the same content.
    pub(super) fn copy(&self) -> Self {
        Self::holding(self.lock().seen.clone())
    }

    /// Cuts the power after so many more operations.
    pub(super) fn cut_power_after(&self, operations: usize) {
        self.lock().power = Some(operations);
    }

    pub(super) fn has_power(&self) -> bool {
        self.lock().power != Some(0)
    }

    /// Says how many bytes there are; none for as many as are wanted.
    pub(super) fn set_space(&self, bytes: Option<usize>) {
        self.lock().space = bytes;
    }

    pub(super) fn used(&self) -> usize {
        self.lock().seen.len()
    }

    /// Returns what may be there after a power cut: of everything since the last sync, each sector
    /// and each change of the length is there or is not.
    pub(super) fn after_power_cut(&self, random: &mut StdRng) -> Self {
        let state = self.lock();
        let mut content = state.synced.clone();
        // Some power cuts lose or keep nearly everything, most are in between.
        let kept = random.random_range(0.0..=1.0);
        for operation in &state.unsynced {
            match operation {
                Operation::Resize(len) if random.random_bool(kept) => content.resize(*len, 0),
                Operation::Resize(_) => {}
                Operation::Write(offset, data) => {
                    tear(&mut content, (*offset, data), || random.random_bool(kept));
                }
            }
        }
        Self::holding(content)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Takes the power for one operation.
    fn powered(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        match &mut state.power {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }
}

/// Writes those sectors of `data` that are kept.
fn tear(content: &mut Vec<u8>, (offset, data): (usize, &[u8]), mut is_kept: impl FnMut() -> bool) {
    let mut at = 0;
    while at < data.len() {
        let to_boundary = SECTOR - (offset + at) % SECTOR;
        let end = data.len().min(at + to_boundary);
        if is_kept() {
            overwrite(content, offset + at, &data[at..end]);
        }
        at = end;
    }
}

fn overwrite(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        let at = index(offset);
        let read = state.seen.get(at..at + out.len());
        out.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.powered()?;
        if state.space.is_some_and(|space| index(len) > space) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.seen.resize(index(len), 0);
        state.unsynced.push(Operation::Resize(index(len)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.powered()?;
        state.synced = state.seen.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.powered()?;
        if state
            .space
            .is_some_and(|space| index(offset) + data.len() > space)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        overwrite(&mut state.seen, index(offset), data);
        state
            .unsynced
            .push(Operation::Write(index(offset), data.to_vec()));
        Ok(())
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Medium for Disk {
    fn open(&self) -> Result<Database, StoreError> {
        let attempt = Attempt {
            action: "open",
            path: Medium::path(self),
        };
        redb::Builder::new()
            .create_with_backend(self.clone())
            .map_err(|error| attempt.redb(error))
    }

    fn path(&self) -> &Path {
        Path::new("disk")
    }
}
