//! Assertions, as they are asked for and as they are answered.

use oncue_language::{Kind, Namespace, Owner, Timeout, Timestamp, Value, VariableName};
use serde::{Deserialize, Serialize};

use crate::pod::optional_pod;

/// What `PUT` on a variable asserts.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AssertRequest {
    /// The value that the assertion carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// After how long the assertion ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Timeout>,
    /// How long it lasts otherwise: live unless said; always durable without an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The pod that asserts; none for an assertion by hand.
    #[serde(
        default,
        deserialize_with = "optional_pod",
        skip_serializing_if = "Option::is_none"
    )]
    pub owner: Option<Owner>,
}

/// One statement that a variable exists.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Assertion {
    /// The pod that asserts; none for an assertion by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// How long it lasts.
    pub kind: Kind,
    /// The name of its Kubernetes object, if a person chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Box<str>>,
    /// The value that it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// When it was first made.
    pub since: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// One assertion of a variable: the answer to a `PUT`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asserted {
    /// The namespace of the variable.
    pub namespace: Namespace,
    /// The name of the variable.
    pub name: VariableName,
    /// The assertion.
    pub assertion: Assertion,
}
