//! Problem documents (RFC 9457), the body of every answer that is an error.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

use super::answer::NO_STORE;

/// The content type of a problem document.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// After how many seconds a client that was turned away may come again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What those are told who are too many: their connections are needed by others.
const OF_A_CROWD: [Kind; 2] = [TOO_MANY_WAITERS, TOO_MANY_WATCHERS];

/// A kind of problem: what is the same in every document of its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kind {
    /// The status of the answer.
    status: StatusCode,
    /// The last part of the type's URN.
    code: &'static str,
    /// The type in words.
    title: &'static str,
}

impl Kind {
    const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            status,
            code,
            title,
        }
    }
}

pub(super) const BODY_TOO_LARGE: Kind = Kind::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body-too-large",
    "The body is too large",
);
pub(super) const BODY_TOO_SLOW: Kind = Kind::new(
    StatusCode::REQUEST_TIMEOUT,
    "body-too-slow",
    "The body came too slowly",
);
pub(super) const INVALID_BODY: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "invalid-body",
    "The body is not valid",
);
pub(super) const INVALID_NAME: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "invalid-name",
    "The variable's name is not valid",
);
pub(super) const INVALID_NAMESPACE: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "invalid-namespace",
    "The namespace is not valid",
);
pub(super) const INVALID_QUERY: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "invalid-query",
    "The query is not valid",
);
pub(super) const INVALID_TERM: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "invalid-term",
    "A term is not valid",
);
pub(super) const METHOD_NOT_ALLOWED: Kind = Kind::new(
    StatusCode::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "The path does not have this method",
);
pub(super) const NAMESPACES_DIFFER: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "namespaces-differ",
    "The request names two namespaces",
);
pub(super) const NO_SUCH_PATH: Kind = Kind::new(
    StatusCode::NOT_FOUND,
    "no-such-path",
    "The path does not exist",
);
pub(super) const NO_SUCH_VARIABLE: Kind = Kind::new(
    StatusCode::NOT_FOUND,
    "no-such-variable",
    "The variable does not exist",
);
pub(super) const STORAGE_FULL: Kind = Kind::new(
    StatusCode::INSUFFICIENT_STORAGE,
    "storage-full",
    "The store's disk is full",
);
pub(super) const STORE_FAILED: Kind = Kind::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "store-failed",
    "The store failed",
);
pub(super) const STORE_UNAVAILABLE: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "store-unavailable",
    "The store is shutting down",
);
pub(super) const TOO_MANY_TERMS: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "too-many-terms",
    "The request has too many terms",
);
pub(super) const TOO_MANY_WAITERS: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "too-many-waiters",
    "Too many waiters are held",
);
pub(super) const TOO_MANY_WATCHERS: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "too-many-watchers",
    "Too many watchers are served",
);
pub(super) const UNJUDGED_TERM: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "unjudged-term",
    "The store does not judge this term",
);

/// Where in the request something is wrong, and which rule it broke.
#[derive(Debug, Default, Serialize)]
pub(super) struct Place {
    /// The term, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) term: Option<String>,
    /// The line of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// The column of the term, or of the body's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<usize>,
    /// The rule that broke, with what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
}

/// A problem document.
#[derive(Debug)]
pub(super) struct Problem {
    /// Its kind.
    pub(super) kind: Kind,
    /// What happened this time.
    pub(super) detail: String,
    /// Where it happened.
    pub(super) place: Place,
}

/// The members of a problem document, in the order of RFC 9457.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    place: &'a Place,
}

impl Problem {
    fn document(&self) -> Document<'_> {
        let Kind {
            status,
            code,
            title,
        } = self.kind;
        Document {
            r#type: format!("urn:oncue:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            place: &self.place,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body =
            serde_json::to_vec(&self.document()).expect("strings and numbers always become JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.kind.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(CACHE_CONTROL, NO_STORE);
        if self.kind.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if OF_A_CROWD.contains(&self.kind) {
            headers.insert(CONNECTION, CLOSE);
        }
        response
    }
}
