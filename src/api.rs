//! The store's HTTP API: `docs/design.md`, section 4; in full, `openapi.json`.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `routes` | which path and method is answered by whom |
//! | `classic` | the two calls of the service that oncue grew from |
//! | `variables`, `pages` | list, get, assert, delete |
//! | `wait`, `wait_revision`, `waiters` | being held, and who is |
//! | `watch` | the stream of changes |
//! | `operation` | health, readiness, metrics and the OpenAPI document |
//! | `identity` | who the caller is |
//! | `json`, `json_error`, `query`, `path` | what a request says |
//! | `caller` | who calls, and what the caller may do |
//! | `audit` | one log line for each change and each refusal |
//! | `fresh` | what a replica answers only while it sees what others write |
//! | `documents`, `answer` | what is answered |
//! | `error` | what is answered when something is wrong |
//! | `metrics` | [`Metrics`], what is counted |

mod answer;
mod audit;
mod caller;
mod classic;
mod commit;
pub(crate) mod documents;
mod error;
mod fresh;
mod identity;
mod json;
mod json_error;
mod metrics;
mod operation;
mod pages;
mod path;
mod query;
mod routes;
mod variables;
mod wait;
mod wait_revision;
mod waiters;
mod watch;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::FromRef};
use oncue_wire::limits::MAX_BODY_BYTES;
use prometheus_client::registry::Registry;

pub use self::metrics::Metrics;
use self::{audit::Audit, json::BodyBudget};
use crate::{
    fairness::Shares,
    identity::{Access, Guard},
    language::condition::MAX_TOGETHER,
    memory::{Pool, StoreMemory},
    net::Shutdown,
    store::Store,
};

/// What a request may ask of the API, and how long it is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The most bytes of a request's body.
    pub body_bytes: usize,
    /// The most terms of one wait.
    pub terms: usize,
    /// How long a wait is held before the present state is answered.
    pub hold: Duration,
    /// How often a watch is sent a bookmark.
    pub bookmark: Duration,
    /// How much memory requests and answers may take.
    pub memory: StoreMemory,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: MAX_BODY_BYTES,
            terms: MAX_TOGETHER,
            hold: Duration::from_secs(50),
            bookmark: Duration::from_secs(30),
            memory: StoreMemory::default(),
        }
    }
}

/// What the API shares with the rest of its process.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where the process is on its way down: then nobody is held any more.
    pub shutdown: Shutdown,
    /// What is counted.
    pub metrics: Metrics,
    /// Everything that `/metrics` shows.
    pub registry: Arc<Registry>,
    /// How it is decided who may do what.
    pub access: Access,
}

/// Returns the whole API on `store`.
pub fn router(store: Store, settings: Settings, context: Context) -> Router {
    let api = Api(Arc::new(Parts {
        store,
        settings,
        context,
        bodies: BodyBudget {
            limit: settings.body_bytes,
            pool: Pool::fair("request bodies", settings.memory.bodies),
            by_address: Shares::new(settings.memory.bodies),
        },
        answers: Pool::fair("unread answers", settings.memory.answers),
        audit: Audit::default(),
    }));
    let router = routes::table()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        });
    router
        .fallback(routes::unknown_path)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .with_state(api)
}

/// What every handler works with.
#[derive(Clone, Debug)]
struct Api(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    settings: Settings,
    context: Context,
    bodies: BodyBudget,
    answers: Pool,
    audit: Audit,
}

impl Api {
    fn store(&self) -> &Store {
        &self.0.store
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn answers(&self) -> &Pool {
        &self.0.answers
    }

    fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// Returns what decides who may do what; `None` if every caller may do everything.
    fn guard(&self) -> Option<&Guard> {
        match &self.0.context.access {
            Access::Identified(guard) => Some(guard),
            Access::Open => None,
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.0.context.metrics
    }

    fn registry(&self) -> &Registry {
        &self.0.context.registry
    }

    fn shutdown(&self) -> Shutdown {
        self.0.context.shutdown.clone()
    }
}

impl FromRef<Api> for BodyBudget {
    fn from_ref(api: &Api) -> Self {
        api.0.bodies.clone()
    }
}
