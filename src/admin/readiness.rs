//! Readiness as latches and needs: ready when all latches are released and all needs are met.

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

/// Something that the process needs to be ready, and that comes and goes.
#[derive(Debug)]
pub(crate) struct Need(Latch);

impl Latch {
    /// Says that it has happened.
    pub(crate) fn release(self) {
        self.readiness.lock().remove(&self.name);
    }

    /// From now on it may come and go.
    pub(crate) fn into_need(self) -> Need {
        Need(self)
    }
}

impl Need {
    /// Says whether it is met.
    pub(crate) fn set_met(&self, is_met: bool) {
        let Latch { name, readiness } = &self.0;
        let mut waiting = readiness.lock();
        if is_met {
            waiting.remove(name);
        } else {
            waiting.insert(Arc::clone(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_comes_and_goes() {
        let (readying, readiness) = Readiness::new();
        let need = readying.latch("store").into_need();
        for is_met in [false, true, false, true] {
            need.set_met(is_met);
            assert_eq!(readiness.waiting_for().is_empty(), is_met);
        }
    }
}
