//! What people should hear of a pod that is let in.

use thiserror::Error;

use super::skip::SkipReason;
use crate::language::AnnotationWarning;

/// What people should hear of a pod that is let in.
///
/// The API server advises 120 characters for each and cuts at 256.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Warning {
    /// An annotation that is let through.
    #[error(transparent)]
    Annotation(#[from] AnnotationWarning),
    /// A pod that asks for something and is left alone.
    #[error("not injected: {0}")]
    Skipped(SkipReason),
}

impl Warning {
    /// Returns the warning as one word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Annotation(AnnotationWarning::Reserved { .. }) => "reserved-key",
            Self::Annotation(AnnotationWarning::UnknownKey { .. }) => "unknown-key",
            Self::Skipped(reason) => reason.label(),
        }
    }
}
