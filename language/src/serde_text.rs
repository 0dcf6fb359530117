//! In documents, a value with a grammar of its own is its text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    name::{Namespace, VariableName},
    timeout::Timeout,
    timestamp::Timestamp,
    value::Value,
};

/// Implements `Serialize` by an expression that returns the text's result, and `Deserialize` by
/// `FromStr`, whose error becomes part of the message.
macro_rules! serde_text {
    ($type:ty, |$value:ident, $serializer:ident| $serialize:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                let $value = self;
                $serialize
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

serde_text!(Namespace, |value, to| to.serialize_str(value.as_str()));
serde_text!(Timeout, |value, to| to.collect_str(value));
serde_text!(Timestamp, |value, to| to.collect_str(value));
// As it is, and not quoted as in a term.
serde_text!(Value, |value, to| to.serialize_str(value.as_str()));
serde_text!(VariableName, |value, to| to.serialize_str(value.as_str()));
