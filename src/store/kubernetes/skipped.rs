//! The objects that make no assertion, and why.

use std::collections::BTreeMap;

use oncue_language::escape::Escaped;
use oncue_signals::SignalError;
use tracing::warn;

use super::replica::Place;
use crate::memory::Exhausted;

/// Why an object makes no assertion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Skip {
    /// It was written past the rules of the resource.
    #[error("{0}: correct it, or delete it")]
    Invalid(SignalError),
    /// The variables have reached their memory limit.
    #[error("{0}: delete some signals, or raise --memory-limit")]
    OverBudget(Exhausted),
}

impl Skip {
    /// Every reason, as metrics name it.
    pub(super) const REASONS: [&str; 2] = [Self::INVALID, Self::MEMORY];
    const INVALID: &str = "invalid";
    pub(super) const MEMORY: &str = "memory";

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => Self::INVALID,
            Self::OverBudget(_) => Self::MEMORY,
        }
    }
}

/// The objects that make no assertion. At most [`MOST`] are known: others are only logged.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    reasons: BTreeMap<Place, &'static str>,
    counts: BTreeMap<&'static str, usize>,
}

impl Skipped {
    /// Takes note of an object, and logs it unless it was skipped for this reason before.
    pub(super) fn put(&mut self, place: Place, skip: &Skip) {
        let reason = skip.reason();
        if self.reasons.get(&place) == Some(&reason) {
            return;
        }
        self.remove(&place);
        let Place { namespace, name } = &place;
        warn!(%namespace, signal = %name, error = %Escaped(skip), "skipped a signal");
        if self.reasons.len() < MOST {
            self.reasons.insert(place, reason);
            *self.counts.entry(reason).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, place: &Place) {
        if let Some(reason) = self.reasons.remove(place)
            && let Some(count) = self.counts.get_mut(reason)
        {
            *count -= 1;
        }
    }

    /// Removes the objects that do not exist.
    pub(super) fn retain(&mut self, exists: impl Fn(&Place) -> bool) {
        let gone = self.reasons.keys().filter(|place| !exists(place));
        for place in gone.cloned().collect::<Vec<_>>() {
            self.remove(&place);
        }
    }

    /// Returns how many objects are skipped for a reason.
    pub(super) fn count(&self, reason: &str) -> usize {
        self.counts.get(reason).copied().unwrap_or_default()
    }
}

/// The most objects that are known to be skipped.
const MOST: usize = 10_000;
