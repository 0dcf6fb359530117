//! How many bytes of bodies are in memory at the same time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A budget of memory, counted in KiB, of which each request takes its share before it is read.
///
/// Counting bytes rather than requests lets thousands of small reviews through and keeps a few
/// dozen huge ones from exhausting the memory.
#[derive(Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / KIB)))
    }

    /// Takes `bytes` until the share is dropped, or nothing where so much is not left.
    pub(crate) fn take(&self, bytes: usize) -> Option<Share> {
        let permits = u32::try_from(bytes / KIB + 1).ok()?;
        let permit = Arc::clone(&self.0).try_acquire_many_owned(permits).ok()?;
        Some(Share { _permit: permit })
    }
}

/// A part of the budget; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    _permit: OwnedSemaphorePermit,
}

const KIB: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_no_more_than_there_is() {
        let budget = Budget::new(10 * KIB);
        let large = budget.take(8 * KIB);
        assert!(large.is_some());
        assert!(budget.take(4 * KIB).is_none());
        drop(large);
        assert!(budget.take(4 * KIB).is_some());
    }
}
