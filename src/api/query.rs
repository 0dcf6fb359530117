//! The query of a request, as known parameters only.

use std::{error::Error, fmt, str::FromStr};

use axum::extract::{FromRequestParts, Query, rejection::QueryRejection};
use http::request::Parts;
use oncue_language::{NameError, VariableName};
use oncue_wire::limits::{DEFAULT_PAGE, MAX_PAGE};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};

use super::error::ApiError;
use crate::store::{Names, Position};

/// A query whose parameters are the fields of `T`; any other is refused by name.
#[derive(Debug)]
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(ApiError::Query {
                rule: rule(&rejection),
            }),
        }
    }
}

/// Returns what went wrong, without the words that axum puts before it.
fn rule(rejection: &QueryRejection) -> String {
    match rejection.source() {
        Some(source) => source.to_string(),
        None => rejection.to_string(),
    }
}

/// The parameters of a list of variables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParameters {
    #[serde(default)]
    pub(super) prefix: Prefix,
    #[serde(default)]
    pub(super) tree: bool,
    #[serde(default)]
    pub(super) limit: PageSize,
    #[serde(default, deserialize_with = "parsed", rename = "continue")]
    pub(super) token: Option<Position>,
}

/// The parameters of a list that has no others; `P` is how far it came on the page before.
#[derive(Debug, Deserialize)]
#[serde(bound = "P: FromStr<Err: fmt::Display>", deny_unknown_fields)]
pub(super) struct PageParameters<P> {
    #[serde(default)]
    pub(super) limit: PageSize,
    #[serde(default, deserialize_with = "parsed", rename = "continue")]
    pub(super) token: Option<P>,
}

/// How many items a page has at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PageSize(pub(super) usize);

impl Default for PageSize {
    fn default() -> Self {
        Self(DEFAULT_PAGE)
    }
}

impl<'de> Deserialize<'de> for PageSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let size = usize::deserialize(deserializer)?;
        let rule = format_args!("a page has 1 to {MAX_PAGE} items");
        let is_allowed = (1..=MAX_PAGE).contains(&size);
        is_allowed
            .then_some(Self(size))
            .ok_or_else(|| de::Error::custom(rule))
    }
}

/// Reads a parameter that is a text with a grammar of its own.
fn parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchParameters {
    #[serde(default)]
    pub(super) prefix: Prefix,
}

/// A name with those below it; every name if there is none.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Prefix(pub(super) Option<VariableName>);

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Prefix {
    pub(super) fn names(self) -> Names {
        self.0.map_or(Names::All, Names::AtOrBelow)
    }
}

impl FromStr for Prefix {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(name) => Ok(Self(Some(name))),
            Err(NameError::Empty) => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// A request without parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParameters {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: DeserializeOwned>(query: &str) -> Result<T, String> {
        let uri = format!("/?{query}").parse().unwrap();
        match Query::try_from_uri(&uri) {
            Ok(Query(parameters)) => Ok(parameters),
            Err(rejection) => Err(rule(&rejection)),
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (query, expected) in [
            ("prefx=a", "unknown field `prefx`"),
            ("prefix=a&prefix=b", "duplicate field `prefix`"),
            (
                "prefix=a/../b",
                "prefix: a segment of a variable name must not be \"..\"",
            ),
            ("prefix=%FF", "is not allowed"),
            ("limit=0", "limit: a page has 1 to 1000 items"),
            ("limit=1001", "limit: a page has 1 to 1000 items"),
            ("continue=x", "begin anew without it"),
            ("tree=yes", "provided string was not `true` or `false`"),
        ] {
            let rule = read::<ListParameters>(query).unwrap_err();
            assert!(rule.contains(expected), "{query}: {rule}");
        }
        assert!(read::<NoParameters>("a=b").is_err());
    }

    #[test]
    fn reads_a_prefix_with_or_without_slashes() {
        for (query, expected) in [
            ("", None),
            ("prefix=", None),
            ("prefix=/", None),
            ("prefix=%2Fa%2Fb/", Some("a/b")),
        ] {
            let parameters: ListParameters = read(query).unwrap();
            let prefix = parameters.prefix.0.as_ref().map(VariableName::as_str);
            assert_eq!(prefix, expected, "{query}");
        }
    }
}
