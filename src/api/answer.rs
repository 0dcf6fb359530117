//! Answers that are not errors: their bodies and headers.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use oncue_language::Namespace;
use serde::Serialize;

use super::{Api, error::ApiError};
use crate::{
    memory::{Exhausted, Pool, charged},
    net::SMALL_BYTES,
};

/// What every answer says of caching: it is true at one instant only.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The content type of an answer's body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Lines,
    /// What a Prometheus scrapes.
    OpenMetrics,
    /// A word for a person.
    Text,
}

impl Content {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        })
    }
}

/// Answers 200 with `body`.
pub(super) fn ok(content: Content, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content.header());
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}

impl Api {
    /// Answers `status` with `document` as JSON, if there is room for it until it is sent. It counts
    /// as an answer to the namespace, if there is one.
    pub(super) fn json(
        &self,
        (status, namespace): (StatusCode, Option<&Namespace>),
        document: &impl Serialize,
    ) -> Result<Response, ApiError> {
        let body = counted((self.answers(), namespace), to_json(document));
        let mut response = ok(Content::Json, body.map_err(ApiError::MemoryExhausted)?);
        *response.status_mut() = status;
        Ok(response)
    }
}

/// Takes the room of `bytes` from `pool` until the last of them is sent; a few belong to the memory
/// of their connection, so that peers that do not read large answers keep nobody from small ones.
pub(super) fn counted(
    (pool, namespace): (&Pool, Option<&Namespace>),
    bytes: Vec<u8>,
) -> Result<Bytes, Exhausted> {
    if bytes.capacity() <= SMALL_BYTES {
        return Ok(bytes.into());
    }
    let mut share = namespace.map_or_else(|| pool.share(), |it| pool.share_in(it));
    share.grow(bytes.capacity())?;
    Ok(charged(bytes, share))
}

/// Answers 204.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

pub(super) fn to_json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document)
        .expect("the documents of this API have string keys and no failing parts")
}
