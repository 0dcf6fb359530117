//! What a caller wants, and over what it says so.

use oncue_language::{Namespace, Owner};

use super::{Allowed, Refusal};
use crate::cross_namespace;

/// What a request came over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Channel {
    /// HTTP in the clear: anyone on the way can read and change it.
    Plain,
    /// TLS.
    Tls,
}

impl Channel {
    /// Returns whether a token proves anything here: in the clear, others may have read it.
    pub fn takes_tokens(self) -> bool {
        self == Self::Tls
    }
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request<'a> {
    /// Assert a variable under `/v1`.
    Assert {
        /// The variable's namespace.
        namespace: &'a Namespace,
        /// In whose name, as far as the request says.
        owner: Option<&'a Owner>,
        /// What is known of that owner, if the caller has no token.
        vouched: Vouched,
    },
    /// Create a variable by hand, as `POST /` does.
    Create {
        /// The variable's namespace.
        namespace: &'a Namespace,
    },
    /// Delete a variable.
    Delete {
        /// The variable's namespace.
        namespace: &'a Namespace,
    },
    /// Ask whether a variable exists, as `GET /` does.
    Exists {
        /// The variable's namespace.
        namespace: &'a Namespace,
        /// Why the policy for other namespaces forbids it to the pod; `None` if it does not.
        forbidden: Option<&'a cross_namespace::Refusal>,
    },
    /// Ask who the caller is.
    Identify,
    /// Read what the process counts.
    Metrics,
    /// Read variables or waiters.
    Read {
        /// Their namespace; `None` for those of all.
        namespace: Option<&'a Namespace>,
        /// Why the policy for other namespaces forbids it to the pod; `None` if it does not.
        forbidden: Option<&'a cross_namespace::Refusal>,
    },
    /// Wait.
    Wait {
        /// The namespace of the waiting pod.
        namespace: &'a Namespace,
        /// What is known of the waiting pod, if the caller has no token.
        vouched: Vouched,
    },
}

/// What the controller knows of the pod that a request without a token names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vouched {
    /// There is no controller, and so nobody knows.
    Never,
    /// It is a pod that does not do this, or the request names none.
    No,
    /// The pod is not known; it may be new.
    NotYet,
    /// It is a managed pod, and this is what its annotations say.
    Yes,
}

impl Vouched {
    pub(super) fn allow(self) -> Result<Allowed, Refusal> {
        match self {
            Self::Never => Err(Refusal::NoController),
            Self::No => Err(Refusal::Undeclared),
            Self::NotYet => Err(Refusal::UnknownPod),
            Self::Yes => Ok(Allowed::AsAsked),
        }
    }
}
