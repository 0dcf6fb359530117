//! The outcome of a review.

use strum::IntoStaticStr;

use super::rejection::Rejection;
use crate::injection::{Refusal, SkipReason};

/// The outcome of a review: the same words in metrics and audit annotations.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// A workload without findings.
    Clean,
    /// Admitted with a patch.
    Injected,
    /// Admitted unchanged.
    Skipped(SkipReason),
    /// Admitted unchanged, because it does not concern oncue.
    Ignored(IgnoreReason),
    /// Denied because of the [`Refusal`] with this label.
    Denied(&'static str),
    /// Not answered with a review because of the [`Rejection`] with this label.
    Rejected(&'static str),
    /// Not answered with a review because oncue itself failed.
    Failed,
    /// A workload, admitted with warnings.
    Warned,
}

/// Why an object does not concern oncue.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub enum IgnoreReason {
    /// The object is being deleted.
    Deleting,
    /// A pod without containers, which the API server refuses.
    Incomplete,
    /// Neither a Pod nor, for the linter, a workload.
    OtherKind,
    /// Not a creation, nor for workloads an update.
    OtherOperation,
    /// A controller created it from an object that was linted.
    Owned,
    /// Too large to be linted.
    TooLarge,
    /// An update that changes neither annotations nor findings.
    Unchanged,
}

impl Outcome {
    /// Returns the outcome as one word.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Returns the reason as one word; empty if the outcome needs none.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Clean | Self::Injected | Self::Failed | Self::Warned => "",
            Self::Skipped(reason) => reason.label(),
            Self::Ignored(reason) => reason.into(),
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
