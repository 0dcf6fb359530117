//! What an error of the API server means for a write.

use std::time::Duration;

use oncue_language::Namespace;

use super::requirement::MISSING_CRD;
use crate::{
    cluster::ApiError,
    store::{Refusal, StoreError},
};

/// What an error of the API server means for a write.
#[derive(Debug)]
pub(super) enum Failure {
    /// The write is decided anew, or sent again.
    Passing(Passing),
    /// The write will not succeed.
    Lasting(StoreError),
}

/// Why a write is tried again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Passing {
    pub(super) reason: String,
    /// Whether the API server may have made it nevertheless.
    pub(super) may_be_made: bool,
    /// The refusal that it is if it lasts so long.
    pub(super) becomes: Option<(Duration, Refusal)>,
}

impl Failure {
    /// Returns why a write that was not made is tried again.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self::Passing(Passing {
            reason: reason.into(),
            may_be_made: false,
            becomes: None,
        })
    }

    /// Returns a refusal, unless it ends within `patience`.
    pub(super) fn refused_after(patience: Duration, refusal: Refusal) -> Self {
        Self::Passing(Passing {
            reason: refusal.to_string(),
            may_be_made: false,
            becomes: Some((patience, refusal)),
        })
    }

    /// Returns whether the write was made, or may have been.
    pub(super) fn may_be_made(&self) -> bool {
        matches!(self, Self::Passing(passing) if passing.may_be_made)
    }

    /// Returns what `error` means for a write in `namespace`.
    pub(super) fn of(error: ApiError, namespace: &Namespace) -> Self {
        let refused = |refusal| Self::Lasting(StoreError::Refused(refusal));
        match error {
            ApiError::Forbidden(status) if is_terminating(&status) => {
                refused(Refusal::Terminating(namespace.clone()))
            }
            ApiError::Forbidden(status) if is_missing_right(&status) => {
                Self::refused_after(RIGHTS_WITHIN, Refusal::Forbidden(status.message))
            }
            ApiError::Forbidden(status) => refused(Refusal::Forbidden(status.message)),
            ApiError::NotFound(status) if is_about_namespace(&status) => {
                refused(Refusal::NoNamespace(namespace.clone()))
            }
            error if is_gone(&error) => Self::passing("it was deleted meanwhile"),
            ApiError::NotFound(_) => Self::passing(MISSING_CRD),
            ApiError::Refused(status) if is_final(status.code) => {
                refused(Refusal::Invalid(status.message))
            }
            error => Self::Passing(Passing {
                reason: error.to_string(),
                may_be_made: may_be_made(&error),
                becomes: None,
            }),
        }
    }
}

/// A conflict and too many requests are answers of before the write.
fn may_be_made(error: &ApiError) -> bool {
    match error {
        ApiError::Refused(status) => status.code >= 500,
        ApiError::TimedOut(_) | ApiError::Unanswered(_) => true,
        ApiError::Conflict(_) | ApiError::Forbidden(_) | ApiError::NotFound(_) => false,
    }
}

/// An expired token is renewed, and too many requests become fewer.
fn is_final(code: u16) -> bool {
    (400..500).contains(&code) && !matches!(code, 401 | 408 | 429)
}

fn is_terminating(status: &kube::core::Status) -> bool {
    let details = status.details.as_ref();
    let mut causes = details.into_iter().flat_map(|it| &it.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
        || status.message.contains("because it is being terminated")
}

/// Authorization by roles says it so; quotas and policies say other things, and do not change soon.
fn is_missing_right(status: &kube::core::Status) -> bool {
    status.message.contains("User \"") && status.message.contains(" cannot ")
}

/// Returns whether an error says that the object does not exist, rather than its namespace or its
/// CRD.
pub(super) fn is_gone(error: &ApiError) -> bool {
    let ApiError::NotFound(status) = error else {
        return false;
    };
    let details = status.details.as_ref();
    !is_about_namespace(status) && details.is_some_and(|details| !details.name.is_empty())
}

fn is_about_namespace(status: &kube::core::Status) -> bool {
    let details = status.details.as_ref();
    details.is_some_and(|details| details.kind == "namespaces")
}

/// How long the API server may take to see rights that were granted: it reads them by a watch.
const RIGHTS_WITHIN: Duration = Duration::from_secs(3);
