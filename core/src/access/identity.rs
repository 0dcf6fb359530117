//! Who calls.

use std::fmt;

use oncue_language::Owner;

/// Who calls, as a token proves it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    /// A valid token that belongs to no pod and not to the operator's account.
    Account {
        /// The user in the words of the API server.
        user: String,
    },
    /// No token.
    Anonymous,
    /// A person or a tool with a token of the operator's account.
    Operator {
        /// The user in the words of the API server.
        user: String,
    },
    /// A pod.
    Pod(PodIdentity),
}

/// A pod, as its token proves it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PodIdentity {
    /// Its namespace, name and uid.
    pub pod: Owner,
    /// The node that it runs on; `None` if the API server does not say.
    pub node: Option<Box<str>>,
    /// The name of its `ServiceAccount`.
    pub account: Box<str>,
}

/// Prints who calls, as a log names it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { user } => write!(f, "account {user}"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Operator { user } => write!(f, "operator {user}"),
            Self::Pod(PodIdentity { pod, .. }) => write!(f, "pod {}/{}", pod.namespace, pod.name),
        }
    }
}
