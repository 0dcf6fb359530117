//! Why a request is refused, and what to do about it.

use oncue_language::Namespace;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::cross_namespace;

/// Why a request is refused, and what to do about it.
#[derive(Clone, Debug, Eq, Error, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub enum Refusal {
    /// A request of an older pod, and nobody who knows the pods.
    #[error(
        "the store runs without a controller, so nobody can say what this pod declares: recreate \
         the pod, so that it gets a token"
    )]
    NoController,
    /// No token where one is needed.
    #[error(
        "the request has no token: send one of the audience oncue in the header Authorization: \
         Bearer TOKEN"
    )]
    NoToken,
    /// What is about all namespaces.
    #[error(
        "only the operator's account reads all namespaces and metrics: ask for one namespace, or \
         send a token of that account"
    )]
    OperatorsOnly,
    /// A change or a wait of a pod in another namespace.
    #[error(
        "a pod signals and waits in its own namespace only: the token is of a pod in {own}, and \
         the request is about {other}"
    )]
    OtherNamespace {
        /// The pod's namespace.
        own: Namespace,
        /// That of the request.
        other: Namespace,
    },
    /// A signal in another pod's name.
    #[error(
        "a pod signals in its own name only: the token is of the pod {own}, and the request names \
         the owner {named}; leave the owner out"
    )]
    OtherOwner {
        /// The pod's name.
        own: String,
        /// The owner that the request names.
        named: String,
    },
    /// An operator's assertion in a pod's name.
    #[error("an operator asserts by hand, and in no pod's name: leave the owner out")]
    OwnerByHand,
    /// A request in the clear.
    #[error(
        "over plain HTTP the store answers only GET /?variable= and POST /, for the namespaces in \
         --plain-namespaces: use https with a token of the audience oncue"
    )]
    PlainHttp,
    /// A request in the clear of a pod.
    #[error(
        "the store does not let pods wait and signal over plain HTTP: recreate the pod, so that it \
         gets a token, or set --accept-plain for pods that were injected before"
    )]
    PlainPod,
    /// A token in the clear.
    #[error("the token came over plain HTTP, where others can read it: use https, and a new token")]
    TokenInTheClear,
    /// A request of an older pod that its annotations do not imply.
    #[error(
        "over plain HTTP, only a pod that oncue manages waits, and signals what its annotations \
         declare: name such a pod as waiter or owner, or use https with a token"
    )]
    Undeclared,
    /// A token of an account that is of no pod.
    #[error(
        "the account {user} may only ask who it is: use the token of a pod (a projected token of \
         the audience oncue) or of the operator's account"
    )]
    UnknownAccount {
        /// The user in the words of the API server.
        user: String,
    },
    /// A request of an older pod that nobody has seen yet.
    #[error("the store does not know this pod yet: try again")]
    UnknownPod,
    /// A read of a pod in another namespace.
    #[error("the read {0}")]
    UnreadableNamespace(cross_namespace::Refusal),
}

/// What kind of answer a refusal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// The caller may not do this.
    Forbidden,
    /// The caller may do this later.
    Later,
    /// The caller has to say who it is.
    Unauthorized,
}

impl Refusal {
    /// Returns what kind of answer it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::NoToken | Self::TokenInTheClear => RefusalKind::Unauthorized,
            Self::UnknownPod => RefusalKind::Later,
            Self::UnreadableNamespace(refusal) if refusal.is_passing() => RefusalKind::Later,
            _ => RefusalKind::Forbidden,
        }
    }

    /// Returns the reason as one word, for metrics and logs.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}
