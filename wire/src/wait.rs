//! Waiting: the terms, and their states.

use oncue_language::{Owner, ServiceReadiness, State, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pod::optional_pod;

/// A question for the state of terms.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRequest {
    /// The terms, with every name filled in.
    pub terms: Vec<String>,
    /// Terms `service:NAME` about the Services that the client probes. The store answers once the
    /// first endpoint of one becomes ready, and holds the answer while all terms hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nudges: Vec<String>,
    /// The revision of an earlier answer: the store answers once a state differs from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The pod that waits.
    #[serde(
        default,
        deserialize_with = "optional_pod",
        skip_serializing_if = "Option::is_none"
    )]
    pub waiter: Option<Owner>,
    /// When its wait began; now unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The state of terms at one revision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WaitAnswer {
    /// The revision.
    pub revision: String,
    /// The state of all terms together.
    pub outcome: State,
    /// The state of each, in the order of the request.
    pub terms: Vec<JudgedTerm>,
    /// The readiness of each Service in the nudges, in the order of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nudges: Vec<ServiceReadiness>,
    /// Why a person let the waiting pod go: its wait is over, whatever the states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
}

/// The state of one term.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct JudgedTerm {
    /// The term, in canonical form.
    pub term: String,
    /// Its state.
    pub state: State,
    /// Why it does not hold, to be read after the term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
