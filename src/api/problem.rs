//! The answer that carries a problem document.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use oncue_wire::{Problem, ProblemCode};

use super::answer::{self, NO_STORE};

/// The content type of a problem document.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// After how many seconds a client may ask again that was refused for want of room.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// The problems of clients whose connections others need.
const CROWDED: [ProblemCode; 2] = [ProblemCode::TooManyWaiters, ProblemCode::TooManyWatchers];

/// Returns the answer that carries `problem`.
pub(super) fn respond(code: ProblemCode, problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(answer::to_json(problem)));
    let status = StatusCode::from_u16(code.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    if code.status() == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    if CROWDED.contains(&code) {
        headers.insert(CONNECTION, CLOSE);
    }
    response
}
