//! Who the caller is.

use oncue_language::Namespace;
use serde::{Deserialize, Serialize};

/// The answer to the question who the caller is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// What the caller is.
    pub identity: IdentityKind,
    /// The namespace of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// The name of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The uid of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The node of the pod, if the API server names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The account: for a pod, its name; for others, the user in the words of the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What a caller is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// A valid token that belongs to no pod and not to the operator's account.
    Account,
    /// A store that does not ask who calls.
    Anonymous,
    /// A person or a tool with a token of the operator's account.
    Operator,
    /// A pod.
    Pod,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Account, Self::Anonymous, Self::Operator, Self::Pod];
}
