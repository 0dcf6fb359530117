//! The disk as the place of a store.

use std::{
    path::Path,
    sync::LazyLock,
    time::{Duration, Instant},
};

use super::{Disk, DiskFile, File};
use crate::store::{
    StoreError,
    embedded::{Medium, RESERVE, fault::Attempt},
};

impl Medium for Disk {
    type Storage = DiskFile;

    fn open(&self) -> Result<Option<DiskFile>, StoreError> {
        let mut state = self.lock();
        state.asked.opens += 1;
        Ok(state.current.map(|number| self.opened(number)))
    }

    fn create_new(&self) -> Result<DiskFile, StoreError> {
        let mut state = self.lock();
        state.asked.creations += 1;
        let number = state.files.len();
        state.files.push(File::default());
        state.new = Some(number);
        Ok(self.opened(number))
    }

    fn adopt_new(&self) -> Result<(), StoreError> {
        let attempt = Attempt {
            action: "rename",
            path: Medium::path(self),
        };
        let mut renaming = self.powered().map_err(|error| attempt.io(error))?;
        renaming.faults.strike().map_err(|e| attempt.io(e))?;
        renaming.current = renaming.new.take();
        drop(renaming);
        let mut syncing = self.powered().map_err(|error| attempt.io(error))?;
        syncing.faults.strike().map_err(|e| attempt.io(e))?;
        syncing.synced_current = syncing.current;
        Ok(())
    }

    fn discard_new(&self) {
        self.lock().new = None;
    }

    fn check_place(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn reserve(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.asked.reserves += 1;
        let missing = RESERVE - state.reserved;
        if state.free() < missing {
            let path = Medium::path(self).to_owned();
            return Err(StoreError::Full { path });
        }
        state.reserved = RESERVE;
        Ok(())
    }

    fn release_reserve(&self) {
        let mut state = self.lock();
        state.asked.releases += 1;
        state.reserved = 0;
    }

    fn free_space(&self) -> Result<u64, StoreError> {
        Ok(self.lock().free() as u64)
    }

    fn now(&self) -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let mut state = self.lock();
        state.asked.times += 1;
        *START + Duration::from_secs(state.asked.times.into())
    }

    fn path(&self) -> &Path {
        Path::new("disk")
    }
}
