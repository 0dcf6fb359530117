//! The state of a term with its reason.

use std::{fmt, num::NonZeroU32};

use crate::value::Value;

/// The state of a term, with the reason if it does not hold.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Verdict<R = Reason> {
    /// What a failure term forbids is so.
    Failed(R),
    /// It holds.
    Held,
    /// It does not hold yet.
    Missing(R),
}

impl<R> Verdict<R> {
    /// Returns why the term does not hold.
    pub fn reason(&self) -> Option<&R> {
        match self {
            Self::Failed(reason) | Self::Missing(reason) => Some(reason),
            Self::Held => None,
        }
    }

    /// Returns the verdict with another reason.
    pub fn map<S>(self, f: impl FnOnce(R) -> S) -> Verdict<S> {
        match self {
            Self::Failed(reason) => Verdict::Failed(f(reason)),
            Self::Held => Verdict::Held,
            Self::Missing(reason) => Verdict::Missing(f(reason)),
        }
    }
}

/// Why a condition does not hold, or why it failed. It prints to be read after the term.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// Too few variables exist below a name.
    Below {
        /// How many there are.
        have: usize,
        /// How many there must be.
        want: NonZeroU32,
    },
    /// The variable does not exist.
    DoesNotExist,
    /// The variable does not exist, and is written as `kubectl` writes objects.
    NoVariable {
        /// The term that was perhaps meant.
        object: String,
    },
    /// A failure term's variable exists.
    Exists,
    /// The one who asks may not know; why, in words.
    Forbidden(String),
    /// The state of an object, in words.
    Object(String),
    /// The variable exists, but no assertion has the value.
    OtherValue(Value),
    /// Too few owners assert the variable.
    Owners {
        /// How many do.
        have: usize,
        /// How many must.
        want: NonZeroU32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below { have, want } => write!(f, "{have} of {want} exist"),
            Self::DoesNotExist => f.write_str("does not exist"),
            Self::NoVariable { object } => {
                write!(f, "does not exist; for the object, write {object}")
            }
            Self::Exists => f.write_str("exists"),
            Self::Forbidden(text) | Self::Object(text) => f.write_str(text),
            Self::OtherValue(value) => write!(f, "exists without the value {value}"),
            Self::Owners { have, want } => write!(f, "{have} of {want} owners assert it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_hold_has_a_reason() {
        assert_eq!(Verdict::Failed(1).reason(), Some(&1));
        assert_eq!(Verdict::Missing(2).reason(), Some(&2));
        assert_eq!(Verdict::<u8>::Held.reason(), None);
        let next = |reason: u8| reason + 1;
        assert_eq!(Verdict::Failed(1).map(next), Verdict::Failed(2));
        assert_eq!(Verdict::Held.map(next), Verdict::Held);
        assert_eq!(Verdict::Missing(1).map(next), Verdict::Missing(2));
    }
}
