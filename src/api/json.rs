//! The body of a request: read within its limits, then parsed as one JSON object.

use std::{error::Error, fmt, iter, marker::PhantomData, str::FromStr};

use axum::{
    body::{Body, Bytes},
    extract::{FromRef, FromRequest, Request},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::error::ApiError;
use crate::net::BodyError;

/// The most bytes that a request's body may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit(pub(super) usize);

/// A body that is one JSON object, whatever content type it claims; an empty one counts as `{}`,
/// so that what is missing is named.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BodyLimit: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = read(request.into_body(), BodyLimit::from_ref(state)).await?;
        parse(&bytes).map(Self)
    }
}

async fn read(body: Body, BodyLimit(limit): BodyLimit) -> Result<Bytes, ApiError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit }),
        Err(error) => Err(late(&*error).unwrap_or(ApiError::BodyUnreadable(error))),
    }
}

/// Tells whether the listener gave the body up because it came too slowly.
fn late(error: &(dyn Error + 'static)) -> Option<ApiError> {
    let mut chain = iter::successors(Some(error), |&error| error.source());
    chain.find_map(|error| match error.downcast_ref() {
        Some(BodyError::TimedOut(limit)) => Some(ApiError::BodyTooSlow { limit: *limit }),
        Some(BodyError::Read(_)) | None => None,
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.trim_ascii().is_empty() {
        b"{}"
    } else {
        bytes
    };
    serde_json::from_slice(bytes)
        .map(|Object(value)| value)
        .map_err(|error| ApiError::Json(error.into()))
}

/// What is wrong with a body, and where.
#[derive(Debug)]
pub(super) struct JsonError {
    /// The rule that broke.
    pub(super) rule: String,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The column, counted from 1 in bytes.
    pub(super) column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, column } = self;
        write!(f, "line {line}, column {column}: {rule}")
    }
}

/// Takes the place out of the text, so that it stands in a member of its own.
impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let rule = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self { rule, line, column }
    }
}

/// Reads a member that is an object: `serde` would take an array in the order of its fields too.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(value.map(|Object(value)| value))
}

/// Reads a member that is a text with a grammar of its own.
pub(super) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

/// Reads a member that is absent, null, or a text with a grammar of its own.
pub(super) fn parsed_if_any<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    let value = text.as_deref().map(str::parse).transpose();
    value.map_err(de::Error::custom)
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::{Namespace, Timeout};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[serde(deserialize_with = "parsed")]
        namespace: Namespace,
        #[serde(default, deserialize_with = "parsed_if_any")]
        ttl: Option<Timeout>,
        #[serde(default, deserialize_with = "object")]
        inner: Option<Box<Document>>,
    }

    fn refused(body: &str) -> JsonError {
        match parse::<Document>(body.as_bytes()) {
            Err(ApiError::Json(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_rule_line_and_column() {
        for (body, rule, line, column) in [
            ("", "missing field `namespace`", 1, 2),
            ("[\"a\"]", "expected a JSON object", 1, 0),
            (
                "{\n \"namespace\": 7}",
                "invalid type: integer `7`, expected a string",
                2,
                15,
            ),
            ("{\"namespace\": \"A\"}", "is not a namespace", 1, 18),
            (
                "{\"nmespace\": \"a\"}",
                "unknown field `nmespace`, expected one of",
                1,
                11,
            ),
            (
                "{\"namespace\": \"a\", \"ttl\": \"5\"}",
                "not a duration",
                1,
                30,
            ),
            (
                "{\"namespace\": \"a\", \"inner\": [\"a\"]}",
                "expected a JSON object",
                1,
                28,
            ),
            ("{\"namespace\": \"a\"} x", "trailing characters", 1, 20),
        ] {
            let error = refused(body);
            assert!(error.rule.contains(rule), "{body}: {error}");
            assert!(!error.rule.contains(" at line "), "{body}: {error}");
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn reads_nested_objects_and_absent_members() {
        let body = br#"{"namespace":"a","ttl":null,"inner":{"namespace":"b","ttl":"5m"}}"#;
        let document: Document = parse(body).unwrap();
        let inner = document.inner.unwrap();
        assert_eq!((document.namespace.as_str(), document.ttl), ("a", None));
        assert_eq!(inner.namespace.as_str(), "b");
        assert_eq!(inner.ttl, Some(Timeout::from_secs(300)));
    }
}
