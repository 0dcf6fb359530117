//! Readiness as latches: ready when all of them are released.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Tells whether the process is ready, and what it still waits for.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeSet<&'static str>>>);

/// Gives out latches.
#[derive(Debug)]
pub struct Readying(Readiness);

/// Something that has to happen before the process is ready.
///
/// One that is dropped without being released (its task failed) holds for ever.
#[derive(Debug)]
#[must_use]
pub struct Latch {
    name: &'static str,
    readiness: Readiness,
}

impl Readiness {
    /// Returns a readiness without latches, and what adds some.
    pub fn new() -> (Readying, Self) {
        let readiness = Self::default();
        (Readying(readiness.clone()), readiness)
    }

    /// Returns the names of the latches that hold, in alphabetical order.
    pub fn waiting_for(&self) -> Vec<&'static str> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readying {
    /// Adds a latch; names are unique.
    pub fn latch(&self, name: &'static str) -> Latch {
        let readiness = self.0.clone();
        readiness.lock().insert(name);
        Latch { name, readiness }
    }
}

impl Latch {
    /// Says that it has happened.
    pub fn release(self) {
        self.readiness.lock().remove(self.name);
    }
}
