//! The assertions of a variable.

use oncue_language::Value;

pub use oncue_language::{Kind, Owner, OwnerKind, Timestamp};

/// The owner of an assertion, or a person.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Asserter {
    /// A person or a tool; all of them are one.
    Hand,
    /// A pod.
    Owner(Owner),
}

impl Asserter {
    /// Returns the pod, where it is one.
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Hand => None,
            Self::Owner(owner) => Some(owner),
        }
    }
}

/// What tells the assertions of one variable apart.
///
/// A pod may make several, one of each kind: withdrawing the live one leaves the durable one.
/// People may keep several objects with one content in a cluster: each is an assertion.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AssertionId {
    /// The owner of an assertion, or a person.
    pub asserter: Asserter,
    /// How long that lasts.
    pub kind: Kind,
    /// The name of the Kubernetes object; `None` if it is the one that follows from the content,
    /// as in everything that oncue writes.
    pub object: Option<Box<str>>,
}

impl AssertionId {
    /// The assertion that all people and tools share.
    pub const HAND: Self = Self {
        asserter: Asserter::Hand,
        kind: Kind::Durable,
        object: None,
    };

    /// Returns the assertion of `kind` by `owner`.
    pub fn of(owner: Owner, kind: Kind) -> Self {
        Self {
            asserter: Asserter::Owner(owner),
            kind,
            object: None,
        }
    }
}

/// One statement that a variable exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// The owner and the kind.
    pub id: AssertionId,
    /// The value it carries.
    pub value: Option<Value>,
    /// When it was first made.
    pub since: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

impl Assertion {
    /// Returns whether it has ended by itself at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
