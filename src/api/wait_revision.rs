//! The revision in the answer to a wait: opaque to clients, `EPOCH-N` or `EPOCH-N-released` to us.

use std::{fmt, str::FromStr};

use crate::store::{Answer, Revision, RevisionError};

/// From where a wait goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct WaitRevision {
    /// The revision at which the conditions were judged.
    pub(super) store: Revision,
    /// Whether the answer said that a person let the pod go. Only the answer itself knows: one of the
    /// same revision to another waiter, or one that got lost, told the client nothing.
    pub(super) released: bool,
}

impl WaitRevision {
    /// Returns the revision of an answer.
    pub(super) fn of(answer: &Answer) -> Self {
        Self {
            store: answer.revision,
            released: answer.release.is_some(),
        }
    }
}

impl fmt::Display for WaitRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.released { RELEASED } else { "" };
        write!(f, "{}{suffix}", self.store)
    }
}

impl FromStr for WaitRevision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let store = text.strip_suffix(RELEASED);
        Ok(Self {
            released: store.is_some(),
            store: store.unwrap_or(text).parse()?,
        })
    }
}

const RELEASED: &str = "-released";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Epoch;

    #[test]
    fn printing_and_parsing_are_inverse() {
        for (released, text) in [(false, "feed-17"), (true, "feed-17-released")] {
            let store = Revision {
                epoch: Epoch::new(0xfeed),
                number: 17,
            };
            let revision = WaitRevision { store, released };
            assert_eq!(revision.to_string(), text);
            assert_eq!(text.parse(), Ok(revision));
        }
        for bad in ["", "-released", "feed-17-", "feed-17-released-released"] {
            assert_eq!(bad.parse::<WaitRevision>(), Err(RevisionError), "{bad:?}");
        }
    }
}
