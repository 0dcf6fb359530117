//! Storage that can lose power at any operation, fails on demand, and runs full.

mod medium;

use std::{
    collections::BTreeSet,
    fmt, io, mem,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use rand::{RngExt, rngs::StdRng};
use redb::StorageBackend;

use crate::memory::Budget;
use crate::store::embedded::writer::Writer;

/// What a disk writes at once: a power cut leaves each of these old or new.
const SECTOR: usize = 512;

/// What a file takes on a disk is a multiple of this. A file that is only made longer takes nothing.
const BLOCK: usize = 4096;

/// A disk, shared by all open files.
#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Every file there ever was, by number.
    files: Vec<File>,
    /// The number of the one that has the name.
    current: Option<usize>,
    /// The number of the one that has the name after a power cut, for sure.
    synced_current: Option<usize>,
    /// The number of the one that is written beside it.
    new: Option<usize>,
    /// After how many operations the power goes.
    power: Option<usize>,
    /// Which operations fail.
    faults: Faults,
    /// How many bytes there are, where the disk can run full.
    space: Option<usize>,
    /// How many bytes are reserved.
    reserved: usize,
    /// What was asked of the disk.
    asked: Asked,
}

/// How often something was asked of a disk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Asked {
    pub(super) opens: usize,
    pub(super) creations: usize,
    pub(super) reserves: usize,
    pub(super) releases: usize,
    /// A second passes with each.
    pub(super) times: u32,
}

/// Operations that fail, although the disk works before and after.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// How many operations succeed before.
    pub(super) after: usize,
    /// How many fail.
    pub(super) count: usize,
    /// With what.
    pub(super) kind: Option<io::ErrorKind>,
}

#[derive(Clone, Default)]
struct File {
    /// The content that is read while there is power.
    seen: Vec<u8>,
    /// What is there after a power cut, for sure.
    synced: Vec<u8>,
    /// What was done since the last sync.
    unsynced: Vec<Operation>,
    /// The blocks that were written.
    blocks: BTreeSet<usize>,
}

#[derive(Clone)]
enum Operation {
    Resize(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    /// Returns a disk with an empty store on it, as it is after a clean start and stop.
    pub(super) fn formatted() -> Self {
        let disk = Self(Arc::default());
        drop(Writer::open(disk.clone(), Budget::UNLIMITED).unwrap());
        disk
    }

    fn holding(content: Vec<u8>) -> Self {
        let state = State {
            files: vec![File {
                blocks: blocks(0, content.len()).collect(),
                seen: content.clone(),
                synced: content,
                unsynced: Vec::new(),
            }],
            current: Some(0),
            synced_current: Some(0),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Returns another disk with the same content.
    pub(super) fn copy(&self) -> Self {
        let state = self.lock();
        let current = state.current.unwrap();
        Self::holding(state.files[current].seen.clone())
    }

    /// Cuts the power after so many more operations.
    pub(super) fn cut_power_after(&self, operations: usize) {
        self.lock().power = Some(operations);
    }

    pub(super) fn has_power(&self) -> bool {
        self.lock().power != Some(0)
    }

    /// Lets operations fail. What was written before a sync that fails is never synced, although
    /// it can be read, and later syncs succeed: so do ext4 and XFS.
    pub(super) fn fail(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Overwrites the whole file.
    pub(super) fn damage(&self) {
        let mut state = self.lock();
        let current = state.current.unwrap();
        let file = &mut state.files[current];
        file.seen.fill(0xaa);
        file.synced.fill(0xaa);
    }

    /// Says whether operations are yet to fail.
    pub(super) fn is_to_fail(&self) -> bool {
        self.lock().faults.count > 0
    }

    /// Says how many bytes there are; none for as many as are wanted.
    pub(super) fn set_space(&self, bytes: Option<usize>) {
        self.lock().space = bytes;
    }

    pub(super) fn asked(&self) -> Asked {
        self.lock().asked
    }

    pub(super) fn used(&self) -> usize {
        self.lock().used()
    }

    /// Returns what may be there after a power cut: of everything since the last sync, each sector
    /// and each change of the length is there or is not.
    pub(super) fn after_power_cut(&self, random: &mut StdRng) -> Self {
        let state = self.lock();
        let names = [state.current, state.synced_current];
        let current = names[random.random_range(0..2)].unwrap();
        Self::holding(state.files[current].after_power_cut(random))
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

    fn opened(&self, number: usize) -> DiskFile {
        DiskFile {
            disk: self.clone(),
            number,
        }
    }
}

impl State {
    fn used(&self) -> usize {
        let names = [self.current, self.new].into_iter().flatten();
        let files: usize = names.map(|number| self.files[number].blocks.len()).sum();
        files * BLOCK + self.reserved
    }

    /// Takes the space for a write.
    fn allot(&mut self, number: usize, written: Range<usize>) -> io::Result<()> {
        let blocks = blocks(written.start, written.end);
        let taken = &self.files[number].blocks;
        let grown = blocks
            .clone()
            .filter(|block| !taken.contains(block))
            .count();
        if grown > 0 && self.free() < grown * BLOCK {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.files[number].blocks.extend(blocks);
        Ok(())
    }

    fn free(&self) -> usize {
        let space = self.space.unwrap_or(usize::MAX);
        space.saturating_sub(self.used())
    }
}

impl Faults {
    fn strike(&mut self) -> io::Result<()> {
        if self.after > 0 {
            self.after -= 1;
        } else if self.count > 0 {
            self.count -= 1;
            return Err(self.kind.unwrap_or(io::ErrorKind::Other).into());
        }
        Ok(())
    }
}

impl File {
    fn sync(&mut self) {
        for operation in mem::take(&mut self.unsynced) {
            match operation {
                Operation::Resize(len) => self.synced.resize(len, 0),
                Operation::Write(offset, data) => overwrite(&mut self.synced, offset, &data),
            }
        }
    }

    /// The length is not among what is lost.
    fn fail_to_sync(&mut self) {
        self.unsynced
            .retain(|operation| matches!(operation, Operation::Resize(_)));
    }

    fn after_power_cut(&self, random: &mut StdRng) -> Vec<u8> {
        let mut content = self.synced.clone();
        // Some power cuts lose or keep nearly everything, most are in between.
        let kept = random.random_range(0.0..=1.0);
        for operation in &self.unsynced {
            match operation {
                Operation::Resize(len) if random.random_bool(kept) => content.resize(*len, 0),
                Operation::Resize(_) => {}
                Operation::Write(offset, data) => {
                    tear(&mut content, (*offset, data), || random.random_bool(kept));
                }
            }
        }
        content
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

/// Returns the blocks that hold the bytes from `start` up to `end`.
fn blocks(start: usize, end: usize) -> Range<usize> {
    start / BLOCK..end.div_ceil(BLOCK)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

/// An open file.
#[derive(Debug)]
pub(super) struct DiskFile {
    disk: Disk,
    number: usize,
}

impl StorageBackend for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().files[self.number].seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.disk.lock();
        let at = index(offset);
        let read = state.files[self.number].seen.get(at..at + out.len());
        out.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.powered()?;
        state.faults.strike()?;
        let file = &mut state.files[self.number];
        let _given_back = file.blocks.split_off(&index(len).div_ceil(BLOCK));
        file.seen.resize(index(len), 0);
        file.unsynced.push(Operation::Resize(index(len)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.powered()?;
        let struck = state.faults.strike();
        let file = &mut state.files[self.number];
        match struck {
            Ok(()) => file.sync(),
            Err(_) => file.fail_to_sync(),
        }
        struck
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.powered()?;
        state.faults.strike()?;
        let offset = index(offset);
        state.allot(self.number, offset..offset + data.len())?;
        let file = &mut state.files[self.number];
        overwrite(&mut file.seen, offset, data);
        let write = Operation::Write(offset, data.to_vec());
        file.unsynced.push(write);
        Ok(())
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}
