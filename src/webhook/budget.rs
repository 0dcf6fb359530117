//! How many bytes of bodies are in memory at the same time.

use tokio::sync::{Semaphore, SemaphorePermit};

/// A budget of memory, counted in KiB, of which each request takes as much as it has sent.
///
/// Counting bytes rather than requests lets thousands of small reviews through and keeps a few
/// dozen huge ones from exhausting the memory. What is announced and does not come takes nothing.
#[derive(Debug)]
pub(crate) struct Budget(Semaphore);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Semaphore::new(bytes / KIB))
    }

    /// Returns a share of nothing yet.
    pub(crate) fn share(&self) -> Share<'_> {
        Share {
            budget: &self.0,
            bytes: 0,
            permits: None,
        }
    }
}

/// A part of the budget; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    budget: &'a Semaphore,
    bytes: usize,
    permits: Option<SemaphorePermit<'a>>,
}

impl Share<'_> {
    /// Takes `bytes` more, or nothing where so much is not left.
    pub(crate) fn grow(&mut self, bytes: usize) -> Option<()> {
        let bytes = self.bytes + bytes;
        let held = self
            .permits
            .as_ref()
            .map_or(0, SemaphorePermit::num_permits);
        let missing = u32::try_from(bytes.div_ceil(KIB) - held).ok()?;
        let more = self.budget.try_acquire_many(missing).ok()?;
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
        self.bytes = bytes;
        Some(())
    }
}

const KIB: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_no_more_than_there_is() {
        let budget = Budget::new(10 * KIB);
        let (mut large, mut other) = (budget.share(), budget.share());
        assert!(large.grow(8 * KIB).is_some());
        assert!(other.grow(4 * KIB).is_none());
        drop(large);
        assert!(other.grow(4 * KIB).is_some());
    }

    #[test]
    fn many_small_pieces_take_as_much_as_one_large() {
        let budget = Budget::new(2 * KIB);
        let mut share = budget.share();
        for _ in 0..2 * KIB {
            assert!(share.grow(1).is_some());
        }
        assert!(share.grow(1).is_none());
    }
}
