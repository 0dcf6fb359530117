//! Who asserts a variable, and how long that lasts.

use std::fmt;

use oncue_language::{Namespace, Value};

use super::Timestamp;

/// The pod that made an assertion.
///
/// What stays when a run has ended is owned by its producer: for a Job's pods, `name` is that of
/// the Job (of the `CronJob` where there is one) and `uid` that of the run.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Owner {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: Box<str>,
    /// Its uid, which tells it from a later pod of the same name.
    pub uid: Box<str>,
}

impl Owner {
    /// Returns whether both are runs of one producer: the same name, whatever the uid.
    pub fn is_same_producer(&self, other: &Self) -> bool {
        (&self.namespace, &self.name) == (&other.namespace, &other.name)
    }
}

/// Who asserts.
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

/// How long an assertion lasts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Until it is deleted.
    Durable,
    /// Until the owner's pod is gone or in a terminal phase.
    Live,
    /// As [`Kind::Live`], and only while the pod is Ready.
    Ready,
}

impl Kind {
    /// Returns its name in the HTTP API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Live => "live",
            Self::Ready => "ready",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What tells the assertions of one variable apart.
///
/// A pod may make several, one of each kind: withdrawing the live one leaves the durable one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AssertionId {
    /// Who asserts.
    pub asserter: Asserter,
    /// How long that lasts.
    pub kind: Kind,
}

impl AssertionId {
    /// The assertion that all people and tools share.
    pub const HAND: Self = Self {
        asserter: Asserter::Hand,
        kind: Kind::Durable,
    };

    /// Returns the assertion of `kind` by `owner`.
    pub fn of(owner: Owner, kind: Kind) -> Self {
        Self {
            asserter: Asserter::Owner(owner),
            kind,
        }
    }
}

/// One statement that a variable exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assertion {
    /// Who asserts, and how long that lasts.
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
