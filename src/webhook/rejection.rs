//! Why a request is no review that can be answered.

use std::{error::Error, iter, time::Duration};

use axum::http::StatusCode;

use super::MAX_BODY;
use crate::{injection::PodError, language::name::NamespaceError, net::BodyError};

/// Why a request is no review that can be answered: an HTTP status and a text.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The body could not be read.
    #[error("failed to read the request's body")]
    Body(#[source] axum::Error),
    /// The body came too slowly.
    #[error("the request's body came too slowly")]
    BodyTooSlow,
    /// The body is too long.
    #[error("the request's body is longer than {MAX_BODY} bytes")]
    BodyTooLarge,
    /// The caller's deadline has passed.
    #[error("not answered within {0:?}")]
    DeadlineExceeded(Duration),
    /// We failed ourselves.
    #[error("oncue failed: {0}")]
    Failure(String),
    /// The body is not JSON.
    #[error("the request's body is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The object is not a pod.
    #[error("failed to read the pod at {0}")]
    NotPod(PodError),
    /// The body is JSON and not an `AdmissionReview`.
    #[error("the request's body is not an AdmissionReview: {0}")]
    NotReview(String),
    /// The review names no namespace that there can be.
    #[error("request.namespace of the AdmissionReview is wrong: {0}")]
    Namespace(#[source] NamespaceError),
    /// Too much is being worked on.
    #[error("too many reviews are being answered: try again")]
    Overloaded,
    /// The body is not declared to be JSON.
    #[error("expected Content-Type: application/json")]
    UnsupportedMediaType,
    /// The review is of a version that we don't speak.
    #[error("AdmissionReview {0} is not supported: expected admission.k8s.io/v1")]
    UnsupportedVersion(String),
}

impl Rejection {
    /// Returns why a body could not be read to its end.
    pub(crate) fn unreadable(error: Box<dyn Error + Send + Sync>) -> Self {
        let mut causes = iter::successors(Some(&*error as &(dyn Error + 'static)), |&error| {
            error.source()
        });
        if causes.any(|cause| matches!(cause.downcast_ref(), Some(BodyError::TimedOut(_)))) {
            Self::BodyTooSlow
        } else {
            Self::Body(axum::Error::new(error))
        }
    }

    /// Returns the HTTP status that answers it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Body(_)
            | Self::NotJson(_)
            | Self::NotPod(_)
            | Self::NotReview(_)
            | Self::Namespace(_)
            | Self::UnsupportedVersion(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DeadlineExceeded(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Failure(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// Returns the rejection as one word, for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::BodyTooSlow => "body-too-slow",
            Self::BodyTooLarge => "body-too-large",
            Self::DeadlineExceeded(_) => "deadline-exceeded",
            Self::Failure(_) => "failure",
            Self::NotJson(_) => "not-json",
            Self::NotPod(_) => "not-a-pod",
            Self::NotReview(_) => "not-a-review",
            Self::Namespace(_) => "namespace",
            Self::Overloaded => "overloaded",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::UnsupportedVersion(_) => "unsupported-version",
        }
    }
}
