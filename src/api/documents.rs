//! The JSON documents of variables, as they are answered and as they are asked for.

use std::{fmt, str::FromStr};

use oncue_language::{Namespace, Timeout, Value, VariableKey, escape::is_hidden};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::json::{object, parsed, parsed_if_any};
use crate::{
    life::{Assertion, Kind, Owner, Timestamp},
    store::Variable,
};

/// A variable, with who asserts it.
#[derive(Debug, Serialize)]
pub(super) struct VariableDocument<'a> {
    namespace: &'a str,
    name: &'a str,
    assertions: Vec<AssertionDocument<'a>>,
}

impl<'a> VariableDocument<'a> {
    /// Returns the document of `variable`.
    pub(super) fn new(variable: &'a Variable) -> Self {
        let VariableKey { namespace, name } = variable.key();
        let assertions = variable.assertions().iter();
        Self {
            namespace: namespace.as_str(),
            name: name.as_str(),
            assertions: assertions.map(|a| AssertionDocument::new(a)).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct AssertionDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerDocument<'a>>,
    #[serde(serialize_with = "printed")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(serialize_with = "printed")]
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl<'a> AssertionDocument<'a> {
    fn new(assertion: &'a Assertion) -> Self {
        let Assertion {
            id,
            value,
            since,
            expires,
        } = assertion;
        Self {
            owner: id.asserter.owner().map(OwnerDocument::new),
            kind: id.kind,
            value: value.as_ref().map(Value::as_str),
            since: *since,
            expires: expires.as_ref().map(Timestamp::to_string),
        }
    }
}

#[derive(Debug, Serialize)]
struct OwnerDocument<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> OwnerDocument<'a> {
    fn new(owner: &'a Owner) -> Self {
        Self {
            namespace: owner.namespace.as_str(),
            name: &owner.name,
            uid: &owner.uid,
        }
    }
}

/// Writes a value as its text.
pub(super) fn printed<T: fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What is to be asserted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssertRequest {
    #[serde(default, deserialize_with = "parsed_if_any")]
    pub(super) value: Option<Value>,
    #[serde(default, deserialize_with = "parsed_if_any")]
    pub(super) ttl: Option<Timeout>,
    #[serde(default, deserialize_with = "parsed_if_any")]
    pub(super) kind: Option<RequestedKind>,
    #[serde(default, deserialize_with = "object")]
    pub(super) owner: Option<RequestedOwner>,
}

/// A kind, as a request names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestedKind(pub(super) Kind);

impl FromStr for RequestedKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let kinds = [Kind::Durable, Kind::Live, Kind::Ready];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == text);
        kind.map(Self).ok_or_else(|| KindError {
            text: text.to_owned(),
        })
    }
}

/// A text that is not a kind.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a kind of assertion: there are live, ready and durable")]
pub(super) struct KindError {
    text: String,
}

/// An owner, as a request names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestedOwner {
    #[serde(deserialize_with = "parsed")]
    namespace: Namespace,
    #[serde(deserialize_with = "parsed")]
    pub(super) name: Word,
    #[serde(deserialize_with = "parsed")]
    uid: Word,
}

impl From<RequestedOwner> for Owner {
    fn from(owner: RequestedOwner) -> Self {
        let RequestedOwner {
            namespace,
            name,
            uid,
        } = owner;
        Self {
            namespace,
            name: name.0,
            uid: uid.0,
        }
    }
}

/// A text that only identifies: 1 to 253 bytes, all visible, without white space.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word(pub(super) Box<str>);

const MAX_WORD_BYTES: usize = 253;

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let allowed = |c: char| !c.is_whitespace() && !is_hidden(c);
        if (1..=MAX_WORD_BYTES).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(WordError)
        }
    }
}

/// A text that does not identify anything.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "a name or uid has 1 to {MAX_WORD_BYTES} bytes, and no white space, control, zero-width or bidi \
     characters"
)]
pub(super) struct WordError;
