//! What goes over the wire.

use serde::{Deserialize, Serialize};

/// The pod that makes an assertion, or that waits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// What is asserted of a variable.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Assertion {
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Who asserts it; by hand where nobody is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// How long it is to live, such as `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// A question for the state of terms.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct WaitRequest {
    /// The terms, in canonical form and with every name filled in.
    pub terms: Vec<String>,
    /// The revision of an earlier answer: the store answers once a state differs from then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The pod that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiter: Option<Owner>,
    /// When its wait began, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// The state of terms at one revision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct WaitAnswer {
    /// The revision.
    pub revision: String,
    /// What became of all of them together.
    pub outcome: Outcome,
    /// What became of each, in the order in which they were asked for.
    pub terms: Vec<Judged>,
}

/// What became of a term, or of all of them together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// What must not be is so.
    Failed,
    /// It holds.
    Held,
    /// It does not hold yet.
    Missing,
}

/// What became of one term.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Judged {
    /// The term.
    pub term: String,
    /// What became of it.
    pub state: Outcome,
    /// Why, in words to be read after the term.
    #[serde(default)]
    pub reason: Option<String>,
}
