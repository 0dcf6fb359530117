//! What an error of the API server means for a write.

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
    Passing(String),
    /// The write will not succeed.
    Lasting(StoreError),
}

impl Failure {
    /// Returns what `error` means for a write in `namespace`.
    pub(super) fn of(error: ApiError, namespace: &Namespace) -> Self {
        let refused = |refusal| Self::Lasting(StoreError::Refused(refusal));
        match error {
            ApiError::Forbidden(status) if is_terminating(&status) => {
                refused(Refusal::Terminating(namespace.clone()))
            }
            ApiError::Forbidden(status) => refused(Refusal::Forbidden(status.message)),
            ApiError::NotFound(status) if is_about_namespace(&status) => {
                refused(Refusal::NoNamespace(namespace.clone()))
            }
            ApiError::NotFound(_) => Self::Passing(MISSING_CRD.to_owned()),
            ApiError::Refused(status) if is_final(status.code) => {
                refused(Refusal::Invalid(status.message))
            }
            error => Self::Passing(error.to_string()),
        }
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

fn is_about_namespace(status: &kube::core::Status) -> bool {
    let details = status.details.as_ref();
    details.is_some_and(|details| details.kind == "namespaces")
}
