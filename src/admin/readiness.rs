//! Readiness as latches: ready when all of them are released.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The readiness of the process, and what it still waits for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<Mutex<BTreeSet<Arc<str>>>>);

/// Gives out latches.
#[derive(Debug)]
pub(crate) struct Readying(Readiness);

/// Something that has to happen before the process is ready.
///
/// If it is dropped without being released (its task failed), the process never becomes ready.
#[derive(Debug)]
#[must_use]
pub(crate) struct Latch {
    name: Arc<str>,
    readiness: Readiness,
}

impl Readiness {
    /// Returns a readiness without latches, and what adds some.
    pub(crate) fn new() -> (Readying, Self) {
        let readiness = Self::default();
        (Readying(readiness.clone()), readiness)
    }

    /// Returns the names of the latches that hold, in alphabetical order.
    pub(crate) fn waiting_for(&self) -> Vec<Arc<str>> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Readying {
    /// Adds a latch; names are unique.
    pub(crate) fn latch(&self, name: impl Into<Arc<str>>) -> Latch {
        let name = name.into();
        let readiness = self.0.clone();
        readiness.lock().insert(Arc::clone(&name));
        Latch { name, readiness }
    }
}

impl Latch {
    /// Says that it has happened.
    pub(crate) fn release(self) {
        self.readiness.lock().remove(&self.name);
    }
}
