//! Why an object is no assertion.

use oncue_language::{Namespace, owner::PodNameError};
use thiserror::Error;

/// Why an object is no assertion. The text says which field is wrong, and what to write.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SignalError {
    /// A member that the resource does not allow.
    #[error("{path}: {rule}")]
    Field {
        /// The member, such as `spec.variable`.
        path: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// An assertion whose owner is in another namespace than its variable.
    #[error(
        "the owner is in the namespace {owner} and the variable in {variable}: an owner is in the \
         namespace of its Signal"
    )]
    ForeignOwner {
        /// The namespace of the owner.
        owner: Namespace,
        /// The namespace of the variable.
        variable: Namespace,
    },
    /// A live or ready signal without a pod.
    #[error(
        "spec.owner: a Live or Ready signal lasts as long as its pod: name an owner of kind Pod, \
         or write kind: Durable"
    )]
    NoPod,
    /// An owner that no object can be called.
    #[error("spec.owner.name: {0}")]
    OwnerName(PodNameError),
}
