//! The answer that carries a problem document.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use oncue_wire::{Problem, ProblemCode};

/// The content type of a problem document.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// After how many seconds a client may ask again that was refused for want of room.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// How a caller proves who it is (RFC 6750).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The answers after which a client may ask the same again.
const PASSING: [StatusCode; 2] = [
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::TOO_MANY_REQUESTS,
];

/// The problems after which the connection is closed: others need it, another
/// replica is to be asked, or it makes no sense.
const CLOSING: [ProblemCode; 6] = [
    ProblemCode::InvalidHost,
    ProblemCode::MemoryExhausted,
    ProblemCode::NamespaceExhausted,
    ProblemCode::StoreStale,
    ProblemCode::TooManyWaiters,
    ProblemCode::TooManyWatchers,
];

/// Returns the answer that carries a problem of this kind.
pub(crate) fn respond(code: ProblemCode, problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem has string keys only");
    let mut response = Response::new(Body::from(body));
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    if PASSING.contains(&status) {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, BEARER);
    }
    if CLOSING.contains(&code) {
        headers.insert(CONNECTION, CLOSE);
    }
    response
}
