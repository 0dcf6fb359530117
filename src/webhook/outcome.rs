//! What became of a review.

use crate::injection::{Refusal, SkipReason};

use super::rejection::Rejection;

/// What became of a review: the same words in metrics, logs and audit annotations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Let in with a patch.
    Injected,
    /// Let in as it is.
    Skipped(SkipReason),
    /// Let in as it is, since it is none of our business.
    Ignored(IgnoreReason),
    /// Not let in, for the [`Refusal`] with this label.
    Denied(&'static str),
    /// Not answered with a review, for the [`Rejection`] with this label.
    Rejected(&'static str),
    /// Not answered with a review, since oncue itself failed.
    Failed,
}

/// Why an object is none of our business.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IgnoreReason {
    /// Not a Pod.
    OtherKind,
    /// Not a creation.
    OtherOperation,
}

impl Outcome {
    /// Returns what became of the review, as one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Skipped(_) => "skipped",
            Self::Ignored(_) => "ignored",
            Self::Denied(_) => "denied",
            Self::Rejected(_) => "rejected",
            Self::Failed => "failed",
        }
    }

    /// Returns why, as one word; empty where that needs no reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Injected | Self::Failed => "",
            Self::Skipped(reason) => reason.label(),
            Self::Ignored(IgnoreReason::OtherKind) => "other-kind",
            Self::Ignored(IgnoreReason::OtherOperation) => "other-operation",
            Self::Denied(reason) | Self::Rejected(reason) => reason,
        }
    }
}

impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Self {
        Self::Denied(refusal.label())
    }
}

impl From<&Rejection> for Outcome {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Failure(_) => Self::Failed,
            rejection => Self::Rejected(rejection.label()),
        }
    }
}
