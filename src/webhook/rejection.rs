//! Why a request is not answered with a review.

use std::{error::Error, iter, time::Duration};

use axum::http::StatusCode;
use strum::IntoStaticStr;

use super::MAX_BODY;
use crate::{injection::PodError, language::name::NamespaceError, net::BodyError};

/// Why a request is not answered with a review: an HTTP status and a text.
#[derive(Debug, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
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
    /// oncue itself failed.
    #[error("oncue failed: {0}")]
    Failure(String),
    /// The body is not JSON.
    #[error("the request's body is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The object is not a pod.
    #[error("failed to read the pod at {0}")]
    #[strum(serialize = "not-a-pod")]
    NotPod(PodError),
    /// The body is JSON but not an `AdmissionReview`.
    #[error("the request's body is not an AdmissionReview: {0}")]
    #[strum(serialize = "not-a-review")]
    NotReview(String),
    /// The review does not name a namespace.
    #[error("request.namespace of the AdmissionReview is wrong: {0}")]
    Namespace(#[source] NamespaceError),
    /// The memory for reviews is used up.
    #[error("the memory for reviews is used up: try again in a second")]
    Overloaded,
    /// The body is not declared to be JSON.
    #[error("expected Content-Type: application/json")]
    UnsupportedMediaType,
    /// The review has another version.
    #[error("AdmissionReview {0} is not supported: expected admission.k8s.io/v1")]
    UnsupportedVersion(String),
}

impl Rejection {
    /// Returns the rejection of a body that could not be read completely.
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

    /// Returns the HTTP status of the answer.
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
        self.into()
    }
}
