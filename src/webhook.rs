//! The mutating webhook: `AdmissionReview` in, `AdmissionReview` out.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `review` | [`Review`], the request as it is read, and how a response is written |
//! | `answer` | [`answer()`], the decision about a pod: bytes in, [`Answer`] out, pure |
//! | `lint` | [`lint()`], the findings about a workload: likewise |
//! | `wording` | findings as text for a terminal |
//! | `outcome` | [`Outcome`], the outcome of a review, as a closed set of labels |
//! | `rejection` | [`Rejection`], why a request is not answered with a review |
//! | `live_settings` | [`LiveSettings`], the settings of injection, which can change |
//! | `metrics` | [`WebhookMetrics`] |
//! | `handler` | the shell: content type, size, budget, deadline |
//!
//! A mistake of the pod's author is a denial (422); a mistake of the caller is a 4xx; a failure of
//! our own is a 500, so that the failure policy decides.

mod answer;
mod handler;
mod lint;
mod live_settings;
mod metrics;
mod outcome;
mod rejection;
mod review;
mod wording;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use strum::IntoStaticStr;

pub use self::{
    answer::{Answer, answer},
    lint::{Strictness, lint},
    live_settings::LiveSettings,
    metrics::WebhookMetrics,
    outcome::Outcome,
    rejection::Rejection,
    review::Review,
};
use crate::{
    fairness::Shares,
    memory::{Pool, WebhookMemory},
};

/// Returns the webhook's routes.
pub fn router(context: Context, memory: WebhookMemory) -> Router {
    let webhook = Webhook {
        context,
        bodies: Shares::new(memory.bodies),
        answers: Shares::new(memory.answers),
        linting: Pool::of_bytes("objects that are linted", memory.linting),
    };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/lint", post(handler::lint))
        .route("/mutate", post(handler::mutate))
        .with_state(Arc::new(webhook))
}

/// The settings and metrics of the webhook.
#[derive(Debug)]
pub struct Context {
    /// The settings of injection.
    pub settings: LiveSettings,
    /// Whether workloads with errors are denied.
    pub strictness: Strictness,
    /// The metrics.
    pub metrics: WebhookMetrics,
}

/// The state that all requests share.
#[derive(Debug)]
struct Webhook {
    context: Context,
    /// Bytes of requests that come: each address may take its share, so that neighbours which send slowly
    /// leave room for the API server.
    bodies: Shares<IpAddr>,
    /// Bytes of answers that their peers have not taken: likewise.
    answers: Shares<IpAddr>,
    /// A separate pool, so that linting never prevents the creation of pods.
    linting: Pool,
}

impl Webhook {
    fn answer(&self, entry: Entry, body: &[u8]) -> Answer {
        let settings = self.context.settings.load();
        match entry {
            Entry::Lint => lint(body, &settings, self.context.strictness),
            Entry::Mutate => answer(body, &settings),
        }
    }
}

/// The question of a request.
#[derive(Clone, Copy, Debug, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Entry {
    /// The findings about a workload.
    Lint,
    /// The decision about a pod.
    Mutate,
}

impl Entry {
    fn label(self) -> &'static str {
        self.into()
    }
}

/// The longest body, in bytes: more than two objects of the API server's limit (3 MiB), because an
/// update has the old and the new one.
pub const MAX_BODY: usize = 7 * 1024 * 1024;
