//! What is wrong with annotations, or worth hearing of.

use thiserror::Error;

use super::Key;
use crate::{
    syntax::{Quoted, SyntaxError, TextPosition},
    template::ResolveError,
};

/// An annotation that denies the pod: which key, where, and what would be right.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnnotationError {
    /// The bare and the prefixed spelling of a key say different things.
    #[error(
        "{key}: the key is there twice, bare and with the prefix, with different values: keep one"
    )]
    Conflict {
        /// The key.
        key: Key,
    },
    /// Something that is wrong by itself, or that does not go together with the rest of the pod.
    #[error("{key}: {rule}")]
    Refused {
        /// The key.
        key: Key,
        /// Why, and what would be right.
        rule: String,
    },
    /// A term that is well written, but does not go together with the rest of the pod.
    #[error("{key}: {at}: in {}: {rule}", Quoted(.term))]
    RefusedTerm {
        /// The key.
        key: Key,
        /// Where the term stands.
        at: TextPosition,
        /// The term.
        term: String,
        /// Why, and what would be right.
        rule: String,
    },
    /// A name that cannot be filled in.
    #[error("{key}: {at}: in {}: {error}", Quoted(.term))]
    Substitution {
        /// The key.
        key: Key,
        /// Where the term stands.
        at: TextPosition,
        /// The term.
        term: String,
        /// Why.
        #[source]
        error: ResolveError,
    },
    /// A list of terms or signals that breaks the grammar.
    #[error("{key}: {error}")]
    Syntax {
        /// The key.
        key: Key,
        /// Where and why.
        #[source]
        error: SyntaxError,
    },
    /// A single value that is not one of its key's.
    #[error("{key}: {} is not right: {rule}", Quoted(.value))]
    Value {
        /// The key.
        key: Key,
        /// The value, as written.
        value: String,
        /// What would be right.
        rule: String,
    },
}

impl AnnotationError {
    /// Returns the error of a key whose `rule` says all there is to say.
    pub fn refused(key: Key, rule: &impl ToString) -> Self {
        Self::Refused {
            key,
            rule: rule.to_string(),
        }
    }

    /// Returns the error of a `value` that breaks a `rule` which does not name it.
    pub fn value(key: Key, value: &str, rule: &impl ToString) -> Self {
        Self::Value {
            key,
            value: value.to_owned(),
            rule: rule.to_string(),
        }
    }

    /// Returns the key it speaks of.
    pub fn key(&self) -> Key {
        match self {
            Self::Conflict { key }
            | Self::Refused { key, .. }
            | Self::RefusedTerm { key, .. }
            | Self::Substitution { key, .. }
            | Self::Syntax { key, .. }
            | Self::Value { key, .. } => *key,
        }
    }

    /// Returns the column that it points at, counted from 1 over the annotation's whole value.
    pub fn column(&self) -> usize {
        match self {
            Self::RefusedTerm { at, .. } | Self::Substitution { at, .. } => at.column,
            Self::Syntax { error, .. } => error.at.column,
            Self::Conflict { .. } | Self::Refused { .. } | Self::Value { .. } => 1,
        }
    }
}

/// An annotation that is let through, but that a person should hear of.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnnotationWarning {
    /// A key that is kept for later.
    #[error("{key} is reserved and does nothing yet")]
    Reserved {
        /// The key.
        key: Key,
    },
    /// A key that looks like ours and is not.
    #[error("{key} is not a key of oncue: did you mean {nearest}?")]
    UnknownKey {
        /// The key, as written.
        key: String,
        /// The known key nearest to it.
        nearest: Key,
    },
}
