//! The mutating webhook: `AdmissionReview` in, `AdmissionReview` out.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`review`] | [`Review`], the request as it is read, and how a response is written |
//! | [`mod@answer`] | [`answer()`], the decision about a pod: bytes in, [`Answer`] out, pure |
//! | [`mod@lint`] | [`lint()`], what is said of a workload: likewise |
//! | `wording` | findings in the words that reach a terminal |
//! | [`outcome`] | [`Outcome`], what became of a review, as closed labels |
//! | [`rejection`] | [`Rejection`], why a request is no review that can be answered |
//! | [`metrics`] | [`WebhookMetrics`] |
//! | `handler` | the shell: content type, size, budget, deadline |
//!
//! A mistake of the pod's author is a denial (422); a mistake of the caller is a 4xx; a failure of
//! our own is a 500, so that the failure policy decides.

pub mod answer;
pub mod lint;
pub mod metrics;
pub mod outcome;
pub mod rejection;
pub mod review;

mod handler;
mod wording;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, routing::post};
use strum::IntoStaticStr;

pub use self::{
    answer::{Answer, answer},
    lint::{Strictness, lint},
    metrics::WebhookMetrics,
    outcome::Outcome,
    rejection::Rejection,
    review::Review,
};
use crate::{
    injection::Settings,
    memory::{Pool, WebhookMemory},
};

/// Returns the webhook's routes.
pub fn router(context: Context, memory: WebhookMemory) -> Router {
    let webhook = Webhook {
        context,
        bodies: Pool::of_bytes("bodies of reviews", memory.bodies),
        linting: Pool::of_bytes("objects that are linted", memory.linting),
    };
    Router::new()
        .route("/lint", post(handler::lint))
        .route("/mutate", post(handler::mutate))
        .with_state(Arc::new(webhook))
}

/// What the webhook works with.
#[derive(Debug)]
pub struct Context {
    /// What is injected.
    pub settings: Settings,
    /// What happens to workloads whose annotations are wrong.
    pub strictness: Strictness,
    /// What is counted.
    pub metrics: WebhookMetrics,
}

/// What all requests share.
#[derive(Debug)]
struct Webhook {
    context: Context,
    bodies: Pool,
    /// A pool of its own: however much is linted, pods can be created beside it.
    linting: Pool,
}

impl Webhook {
    fn answer(&self, entry: Entry, body: &[u8]) -> Answer {
        match entry {
            Entry::Lint => lint(body, &self.context.settings, self.context.strictness),
            Entry::Mutate => answer(body, &self.context.settings),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Entry {
    /// What there is to say of a workload.
    Lint,
    /// What becomes of a pod.
    Mutate,
}

impl Entry {
    /// Returns the most bytes that answering a body of this length takes besides it, where that is
    /// many times as much.
    fn memory(self, body_bytes: usize) -> usize {
        match self {
            Self::Lint => lint::memory(body_bytes),
            Self::Mutate => 0,
        }
    }

    fn label(self) -> &'static str {
        self.into()
    }
}

/// The longest body, in bytes: more than the API server's own limit for an object (3 MiB) with its
/// predecessor.
pub const MAX_BODY: usize = 7 * 1024 * 1024;
