//! A router on a store in memory, and what it answers.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tower::ServiceExt;

use super::contract::CONTRACT;
use crate::{
    api::{Context, Metrics, Settings, router},
    identity::Access,
    memory::{Budget, StoreMemory},
    net::{Shutdown, ShutdownTrigger},
    store::{Backend, Clock, Limits, Memory, Store, SystemClock},
};

/// The API with what moves it.
#[derive(Clone)]
pub(super) struct Kit {
    pub(super) router: Router,
    pub(super) store: Store,
    pub(super) trigger: Arc<ShutdownTrigger>,
}

/// What a kit is made of.
pub(super) struct Making {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) settings: Settings,
    pub(super) access: Access,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            backend: Arc::new(Memory::new(Budget::UNLIMITED)),
            clock: Arc::new(SystemClock),
            limits: Limits::within(1000, StoreMemory::default()),
            settings: Settings::default(),
            access: Access::default(),
        }
    }
}

impl Kit {
    pub(super) async fn new() -> Self {
        Self::of(Making::default()).await
    }

    pub(super) async fn of(making: Making) -> Self {
        let Making {
            backend,
            clock,
            limits,
            settings,
            access,
        } = making;
        let store = Store::open(backend, limits, clock).await.unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let mut registry = Registry::with_prefix("oncue");
        let metrics = Metrics::register(&store, &mut registry);
        let context = Context {
            shutdown,
            metrics,
            registry: Arc::new(registry),
            access,
        };
        Self {
            router: router(store.clone(), settings, context),
            store,
            trigger: Arc::new(trigger),
        }
    }

    pub(super) async fn get(&self, uri: &str) -> Reply {
        self.send(mk_request("GET", uri, "")).await
    }

    pub(super) async fn post(&self, uri: &str, body: impl Into<Body>) -> Reply {
        self.send(mk_request("POST", uri, body)).await
    }

    pub(super) async fn put(&self, uri: &str, body: impl Into<Body>) -> Reply {
        self.send(mk_request("PUT", uri, body)).await
    }

    pub(super) async fn delete(&self, uri: &str) -> Reply {
        self.send(mk_request("DELETE", uri, "")).await
    }

    /// Returns the answer, which keeps the contract.
    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, mut body) = response.into_parts();
        let content_type = parts.headers.get("content-type");
        let body = if content_type.is_some_and(|text| text == "application/x-ndjson") {
            // A watch has no end: its first frame is the present state.
            first_frame(&mut body).await
        } else {
            body.collect().await.unwrap().to_bytes()
        };
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        CONTRACT.check(&method, &path, &reply);
        reply
    }

    /// Returns the revision of the present state of `terms`.
    pub(super) async fn revision(&self, terms: &[&str]) -> String {
        let reply = self.post(WAIT, mk_wait(terms, None)).await;
        reply.json()["revision"].as_str().unwrap().to_owned()
    }

    /// Begins to wait, and returns once the store holds one waiter more.
    pub(super) async fn begin_wait(&self, terms: &[&str]) -> tokio::task::JoinHandle<Reply> {
        let revision = self.revision(terms).await;
        self.hold(mk_wait(terms, Some(&revision))).await
    }

    /// Sends a wait, and returns once the store holds one waiter more.
    pub(super) async fn hold(&self, body: String) -> tokio::task::JoinHandle<Reply> {
        let waiters = self.store.stats().waiters;
        let kit = self.clone();
        let held = tokio::spawn(async move { kit.post(WAIT, body).await });
        self.until_waiters(waiters + 1).await;
        held
    }

    /// Yields until the store holds so many waiters.
    pub(super) async fn until_waiters(&self, count: usize) {
        while self.store.stats().waiters != count {
            tokio::task::yield_now().await;
        }
    }
}

/// Returns what comes first; nothing where nothing comes.
pub(super) async fn first_frame(body: &mut Body) -> Bytes {
    match body.frame().await {
        Some(frame) => frame.unwrap().into_data().unwrap(),
        None => Bytes::new(),
    }
}

pub(super) const WAIT: &str = "/v1/namespaces/default/wait";

pub(super) fn mk_request(method: &str, uri: &str, body: impl Into<Body>) -> Request<Body> {
    let method: Method = method.parse().unwrap();
    Request::builder()
        .method(method)
        .uri(uri)
        .body(body.into())
        .unwrap()
}

pub(super) fn mk_wait(terms: &[&str], revision: Option<&str>) -> String {
    let mut body = serde_json::json!({ "terms": terms });
    if let Some(revision) = revision {
        body["revision"] = revision.into();
    }
    body.to_string()
}

/// An answer with all of its body.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the code of the problem, or `""` where it is none.
    pub(super) fn problem(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        let r#type = self.json()["type"].clone();
        let code = r#type.as_str().unwrap().rsplit(':').next();
        code.unwrap().to_owned()
    }
}
