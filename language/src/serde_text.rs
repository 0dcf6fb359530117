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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, from_value, json, to_value};

    use super::*;

    fn through<T: Serialize + for<'de> Deserialize<'de>>(json: Json) -> Result<Json, String> {
        let value: T = from_value(json).map_err(|error| error.to_string())?;
        to_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn each_type_is_its_text_or_an_error_with_its_rule() {
        assert_eq!(through::<Namespace>(json!("shop")), Ok(json!("shop")));
        assert_eq!(through::<Timeout>(json!("90s")), Ok(json!("1m30s")));
        assert_eq!(through::<Value>(json!("a \"b\"")), Ok(json!("a \"b\"")));
        assert_eq!(through::<VariableName>(json!("/a//b/")), Ok(json!("a/b")));
        let moment = json!("2026-11-24T08:20:00Z");
        assert_eq!(through::<Timestamp>(moment.clone()), Ok(moment));
        let error = through::<Namespace>(json!("A")).unwrap_err();
        assert!(error.contains("is not a namespace"), "{error}");
    }
}
