//! Why a text is not changed.

use thiserror::Error;

/// Why an object's text cannot be changed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum EditError {
    /// The text that would go defines an anchor.
    #[error("it defines the YAML anchor &{name}, which is used elsewhere")]
    Anchor {
        /// The anchor.
        name: String,
    },
    /// There is nothing at a pointer.
    #[error("there is nothing at {pointer}")]
    Missing {
        /// The pointer.
        pointer: String,
    },
    /// Two changes are at the same place.
    #[error("two changes of its text overlap")]
    Overlap,
    /// The text belongs to several places.
    #[error("its text stands in a YAML anchor or merge key that other places share")]
    Shared,
    /// The changed text does not say what it should.
    #[error("its text cannot be changed without being written anew")]
    Unconfirmed,
    /// The text cannot be read with its places.
    #[error("its text cannot be read by itself")]
    Unreadable,
}
