//! The mutating webhook: `AdmissionReview` in, `AdmissionReview` out.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`review`] | [`Review`], the request as it is read, and how a response is written |
//! | [`mod@answer`] | [`answer()`], bytes in, [`Answer`] out: pure |
//! | [`outcome`] | [`Outcome`], what became of a review, as closed labels |
//! | [`rejection`] | [`Rejection`], why a request is no review that can be answered |
//! | [`metrics`] | [`WebhookMetrics`] |
//! | `handler` | the shell: content type, size, budget, deadline |
//!
//! A mistake of the pod's author is a denial (422); a mistake of the caller is a 4xx; a failure of
//! our own is a 500, so that the failure policy decides.

pub mod answer;
pub mod metrics;
pub mod outcome;
pub mod rejection;
pub mod review;

mod budget;
mod handler;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, routing::post};

use self::budget::Budget;
pub use self::{
    answer::{Answer, answer},
    metrics::WebhookMetrics,
    outcome::Outcome,
    rejection::Rejection,
    review::Review,
};
use crate::injection::Settings;

/// Returns the webhook's routes.
pub fn router(settings: Settings, metrics: WebhookMetrics) -> Router {
    let webhook = Webhook {
        settings,
        metrics,
        budget: Budget::new(BUDGET),
    };
    Router::new()
        .route("/mutate", post(handler::mutate))
        .with_state(Arc::new(webhook))
}

/// What all requests share.
#[derive(Debug)]
struct Webhook {
    settings: Settings,
    metrics: WebhookMetrics,
    budget: Budget,
}

/// The longest body, in bytes: more than the API server's own limit for an object (3 MiB) with its
/// predecessor.
pub const MAX_BODY: usize = 7 * 1024 * 1024;

/// The bytes of all bodies in memory at the same time.
const BUDGET: usize = 128 * 1024 * 1024;
