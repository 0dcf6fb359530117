//! What became of a review.

use crate::injection::{Refusal, SkipReason};

use super::rejection::Rejection;

/// What became of a review: the same words in metrics, logs and audit annotations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A workload of which there is nothing to say.
    Clean,
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
    /// A workload that is let in with what there is to say of it.
    Warned,
}

/// Why an object is none of our business.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IgnoreReason {
    /// It is being deleted.
    Deleting,
    /// A pod without containers: the API server refuses it by itself, in words of its own.
    Incomplete,
    /// Not a Pod, or where workloads are asked about not one of them.
    OtherKind,
    /// Not a creation, nor for workloads an update.
    OtherOperation,
    /// A controller made it, and what that one was made from was looked at.
    Owned,
    /// So large that looking at it would take too much memory.
    TooLarge,
    /// An update that changes nothing of what was told before.
    Unchanged,
}

impl IgnoreReason {
    fn label(self) -> &'static str {
        match self {
            Self::Deleting => "deleting",
            Self::Incomplete => "incomplete",
            Self::OtherKind => "other-kind",
            Self::OtherOperation => "other-operation",
            Self::Owned => "owned",
            Self::TooLarge => "too-large",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Outcome {
    /// Returns what became of the review, as one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Injected => "injected",
            Self::Skipped(_) => "skipped",
            Self::Ignored(_) => "ignored",
            Self::Denied(_) => "denied",
            Self::Rejected(_) => "rejected",
            Self::Failed => "failed",
            Self::Warned => "warned",
        }
    }

    /// Returns why, as one word; empty where that needs no reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Clean | Self::Injected | Self::Failed | Self::Warned => "",
            Self::Skipped(reason) => reason.label(),
            Self::Ignored(reason) => reason.label(),
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
