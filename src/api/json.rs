//! The body of a request: read within its limits, then parsed as one JSON object.

use std::{error::Error, iter};

use axum::{
    BoxError,
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use oncue_language::Namespace;
use oncue_wire::Object;
use serde::de::DeserializeOwned;

use super::{error::ApiError, path::InNamespace};
use crate::{
    memory::{Pool, Share},
    net::{BodyError, SMALL_BYTES},
};

/// How much of requests' bodies is kept.
#[derive(Clone, Debug)]
pub(super) struct BodyBudget {
    /// The most bytes of one body.
    pub(super) limit: usize,
    /// The bytes of all bodies together.
    pub(super) pool: Pool,
}

/// A body that is one JSON object, whatever content type it claims; an empty one counts as `{}`,
/// so that what is missing is named.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BodyBudget: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        // The classic calls name it in the body.
        let namespace = InNamespace::from_request_parts(&mut parts, state).await;
        let namespace = namespace.ok().map(|InNamespace(namespace)| namespace);
        let budget = BodyBudget::from_ref(state);
        let body = Received::read(body, (&budget, namespace.as_ref())).await?;
        parse(&body.bytes).map(Self)
    }
}

/// A body, or what has come of it so far.
struct Received {
    bytes: Vec<u8>,
    /// The capacity of `bytes` beyond [`SMALL_BYTES`].
    share: Share,
}

impl Received {
    async fn read(
        body: Body,
        (budget, namespace): (&BodyBudget, Option<&Namespace>),
    ) -> Result<Self, ApiError> {
        let (limit, pool) = (budget.limit, &budget.pool);
        let mut body = Limited::new(body, limit);
        let mut received = Self {
            bytes: Vec::new(),
            share: namespace.map_or_else(|| pool.share(), |it| pool.share_in(it)),
        };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreadable(error, limit))?;
            if let Some(data) = frame.data_ref() {
                received.add(data)?;
            }
        }
        Ok(received)
    }

    fn add(&mut self, data: &[u8]) -> Result<(), ApiError> {
        let needed = self.bytes.len() + data.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.next_power_of_two();
            let counted = |capacity: usize| capacity.saturating_sub(SMALL_BYTES);
            let more = counted(capacity) - counted(self.bytes.capacity());
            self.share.grow(more).map_err(ApiError::MemoryExhausted)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

fn unreadable(error: BoxError, limit: usize) -> ApiError {
    if error.is::<LengthLimitError>() {
        return ApiError::BodyTooLarge { limit };
    }
    late(&*error).unwrap_or(ApiError::BodyUnreadable(error))
}

/// Returns an error if the listener gave up because the body arrived too slowly.
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

#[cfg(test)]
mod tests {
    use oncue_language::Timeout;
    use oncue_wire::AssertRequest;

    use super::*;
    use crate::api::json_error::JsonError;

    fn refused(body: &str) -> JsonError {
        match parse::<AssertRequest>(body.as_bytes()) {
            Err(ApiError::Json(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_rule_line_and_column() {
        for (body, rule, line, column) in [
            (r#"{"owner":{}}"#, "missing field `namespace`", 1, 11),
            ("[\"a\"]", "expected a JSON object", 1, 0),
            (
                "{\n \"value\": 7}",
                "invalid type: integer `7`, expected a string",
                2,
                11,
            ),
            (
                r#"{"owner": {"namespace": "A"}}"#,
                "is not a namespace",
                1,
                28,
            ),
            (
                "{\"vlaue\": \"a\"}",
                "unknown field `vlaue`, expected one of",
                1,
                8,
            ),
            ("{\"ttl\": \"5\"}", "not a duration", 1, 12),
            ("{\"owner\": [\"a\"]}", "expected a JSON object", 1, 10),
            ("{\"value\": \"a\"} x", "trailing characters", 1, 16),
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
        let body = br#"{"value":null,"ttl":"5m","owner":{"namespace":"b","name":"p","uid":"1"}}"#;
        let request: AssertRequest = parse(body).unwrap();
        assert_eq!((request.value, request.kind), (None, None));
        assert_eq!(request.ttl, Some(Timeout::from_secs(300)));
        assert_eq!(request.owner.unwrap().namespace.as_str(), "b");
        assert_eq!(
            parse::<AssertRequest>(b" ").unwrap(),
            AssertRequest::default()
        );
    }
}
