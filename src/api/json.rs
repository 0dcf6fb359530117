//! The body of a request: read within its limits, then parsed as one JSON object.

use std::{error::Error, iter, net::IpAddr};

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
    fairness::{NoShare, Part, Shares},
    memory::{ByteSize, Exhausted, Pool, Share},
    net::{BodyError, Peer, SMALL_BYTES},
};

/// How much of requests' bodies is kept.
#[derive(Clone, Debug)]
pub(super) struct BodyBudget {
    /// The most bytes of one body.
    pub(super) limit: usize,
    /// The bytes of all bodies together. Each namespace may take its share.
    pub(super) pool: Pool,
    /// The same bytes, of which each address may take its share: a request can name any namespace.
    pub(super) by_address: Shares<IpAddr>,
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
        let received = Received::new(
            &budget,
            (namespace.as_ref(), Peer::address(&parts.extensions)),
        );
        let body = received.read(body, budget.limit).await?;
        parse(&body.bytes).map(Self)
    }
}

/// A body, or what has come of it so far.
struct Received {
    bytes: Vec<u8>,
    /// The capacity of `bytes` beyond [`SMALL_BYTES`].
    share: Share,
    /// The same.
    part: Part<IpAddr>,
}

impl Received {
    fn new(
        BodyBudget {
            pool, by_address, ..
        }: &BodyBudget,
        (namespace, address): (Option<&Namespace>, IpAddr),
    ) -> Self {
        Self {
            bytes: Vec::new(),
            share: namespace.map_or_else(|| pool.share(), |it| pool.share_in(it)),
            part: by_address.part(&address),
        }
    }

    async fn read(mut self, body: Body, limit: usize) -> Result<Self, ApiError> {
        let mut body = Limited::new(body, limit);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreadable(error, limit))?;
            if let Some(data) = frame.data_ref() {
                self.add(data)?;
            }
        }
        Ok(self)
    }

    fn add(&mut self, data: &[u8]) -> Result<(), ApiError> {
        let needed = self.bytes.len() + data.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.next_power_of_two();
            let counted = |capacity: usize| capacity.saturating_sub(SMALL_BYTES);
            let more = counted(capacity) - counted(self.bytes.capacity());
            self.take(more).map_err(ApiError::MemoryExhausted)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    fn take(&mut self, more: usize) -> Result<(), Exhausted> {
        self.share.grow(more)?;
        self.part.grow(more).map_err(|error| Exhausted {
            name: "request bodies from your address",
            namespace: None,
            limit: ByteSize(match error {
                NoShare::AtAll => self.part.limit(),
                NoShare::Own { own } => own,
            }),
        })
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
