//! What goes wrong between a client and a store.

use std::{fmt, io::ErrorKind};

use oncue_wire::Problem;
use thiserror::Error;
use ureq::{
    Body,
    http::{Response, StatusCode, header::CONTENT_TYPE},
};

use super::{agent::describe, endpoint::ServerUrl, token::TokenError};

/// Longest problem document that is read.
const MAX_PROBLEM_BYTES: u64 = 64 << 10;

/// Why a request did not do what it should.
#[derive(Clone, Debug, Error)]
pub enum ApiError {
    /// The connection ended before the answer did.
    #[error("failed to reach {url}: {reason}")]
    Ended {
        /// The store's URL.
        url: String,
        /// How it ended.
        reason: String,
    },
    /// An answer that makes no sense.
    #[error("failed to read the answer of {url}: {reason}")]
    Garbled {
        /// The store's URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store refused, and said why.
    #[error("the store at {url} answered {status}: {detail}")]
    Refused {
        /// The store's URL.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// Why, in the store's words.
        detail: String,
    },
    /// Something answered an error, and not in the words of a store.
    #[error("{url} answered {status}, and not in the words of a store")]
    Status {
        /// The store's URL.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
    /// There is no token to present, so the store was not asked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer came.
    #[error("failed to reach {url}: {reason}")]
    Unreachable {
        /// The store's URL.
        url: String,
        /// Why.
        reason: String,
    },
}

impl ApiError {
    /// Returns whether the store reports that the resource does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// Returns whether the store does not take the token, or does not allow its owner to do this.
    pub fn is_denied(&self) -> bool {
        let denies = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(self, Self::Refused { status, .. } if denies.contains(status))
    }

    /// Returns whether the store itself rejects the request, so that a retry is useless.
    pub fn is_final(&self) -> bool {
        let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        matches!(self, Self::Refused { status, .. }
            if status.is_client_error() && !passes.contains(status))
    }

    /// Returns the error for an answer that is missing or incomplete.
    pub(super) fn lost(url: &ServerUrl, error: ureq::Error) -> Self {
        if let ureq::Error::BodyExceedsLimit(limit) = error {
            return Self::garbled(url, format_args!("it is longer than {limit} bytes"));
        }
        let url = url.to_string();
        let is_end = is_end(&error);
        let reason = describe(error);
        if is_end {
            Self::Ended { url, reason }
        } else {
            Self::Unreachable { url, reason }
        }
    }

    pub(super) fn garbled(url: &ServerUrl, reason: impl fmt::Display) -> Self {
        Self::Garbled {
            url: url.to_string(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn status(url: &ServerUrl, response: Response<Body>) -> Self {
        let url = url.to_string();
        let status = response.status();
        match problem(response) {
            Some(detail) => Self::Refused {
                url,
                status,
                detail,
            },
            None => Self::Status { url, status },
        }
    }
}

/// Returns whether the other side closed the connection.
fn is_end(error: &ureq::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let ends = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    matches!(error, ureq::Error::Io(error) if ends.contains(&error.kind()))
}

fn problem(response: Response<Body>) -> Option<String> {
    let content_type = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    if !content_type.starts_with("application/problem+json") {
        return None;
    }
    let body = response.into_body();
    let bytes = body
        .into_with_config()
        .limit(MAX_PROBLEM_BYTES)
        .read_to_vec()
        .ok()?;
    let Problem { title, detail, .. } = serde_json::from_slice(&bytes).ok()?;
    let texts = [detail, title.into_owned()];
    texts.into_iter().find(|text| !text.is_empty())
}
