//! Revisions: opaque to clients, `EPOCH-N` to us.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// One start of one store: revisions of different epochs cannot be compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Epoch(u64);

impl Epoch {
    /// Returns the epoch with this number, which is best a random one.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// A moment in the history of one store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revision {
    /// The start of the store that it belongs to.
    pub epoch: Epoch,
    /// How many changes came before it.
    pub number: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch.0, self.number)
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let parse = || {
            let (epoch, number) = text.split_once('-')?;
            Some(Self {
                epoch: Epoch(u64::from_str_radix(epoch, 16).ok()?),
                number: number.parse().ok()?,
            })
        };
        // One spelling only: no upper case, leading zeros or plus signs.
        let revision: Option<Self> = parse();
        revision
            .filter(|it| it.to_string() == text)
            .ok_or(RevisionError)
    }
}

/// A text that no store gave out as a revision: judge now, as with one of another epoch.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a revision of this store")]
pub struct RevisionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_and_parsing_are_inverse() {
        let revision = Revision {
            epoch: Epoch::new(0xfeed),
            number: 17,
        };
        assert_eq!(revision.to_string(), "feed-17");
        assert_eq!("feed-17".parse(), Ok(revision));
        for bad in [
            "", "17", "feed-", "-17", "xyz-1", "FEED-17", "0feed-17", "feed-017", "feed-+17",
            "+feed-17",
        ] {
            assert_eq!(bad.parse::<Revision>(), Err(RevisionError), "{bad:?}");
        }
    }
}
