//! Health and metrics, on a plain port of their own.
//!
//! `/healthz` says that the process serves, `/readyz` whether it should be sent requests, and if
//! not, what it waits for.

pub(crate) mod process;
pub(crate) mod readiness;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::task::spawn_blocking;

pub(crate) use self::readiness::{Latch, Need, Readiness, Readying};
use crate::net::{Phase, Shutdown};

/// What the admin port serves.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    /// What has to happen before requests are welcome.
    pub readiness: Readiness,
    /// Where the process is on its way down.
    pub shutdown: Shutdown,
    /// Everything that is counted, once that is known.
    pub registry: Arc<OnceLock<Arc<Registry>>>,
}

/// Returns the admin port's routes.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, String) {
    if admin.shutdown.phase() > Phase::Serving {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting down\n".to_owned(),
        );
    }
    match admin.readiness.waiting_for() {
        waiting if waiting.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        waiting => {
            let text = format!("waiting for {}\n", waiting.join(", "));
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

/// Off the thread of the health checks: some figures are read under the lock of the store.
async fn metrics(State(admin): State<Admin>) -> Response {
    let Some(registry) = admin.registry.get() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response();
    };
    let registry = Arc::clone(registry);
    let encoded = spawn_blocking(move || {
        let mut text = String::new();
        encode(&mut text, &registry).map(|()| text)
    });
    let encoded = encoded.await.unwrap_or(Err(fmt::Error));
    match encoded {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt;

    use super::*;

    async fn get_text(admin: &Admin, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(admin.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn mk_admin() -> (Admin, Readying, crate::net::ShutdownTrigger) {
        let (trigger, shutdown) = Shutdown::new();
        let (readying, readiness) = Readiness::new();
        let mut registry = Registry::default();
        process::register(&mut registry);
        let admin = Admin {
            readiness,
            shutdown,
            registry: Arc::new(OnceLock::from(Arc::new(registry))),
        };
        (admin, readying, trigger)
    }

    #[tokio::test]
    async fn names_what_it_waits_for_until_it_is_ready() {
        let (admin, readying, _trigger) = mk_admin();
        let store = readying.latch("store");
        let webhook = readying.latch("webhook");
        let not_ready = StatusCode::SERVICE_UNAVAILABLE;
        let expected = (not_ready, "waiting for store, webhook\n".to_owned());
        assert_eq!(get_text(&admin, "/readyz").await, expected);
        store.release();
        let expected = (not_ready, "waiting for webhook\n".to_owned());
        assert_eq!(get_text(&admin, "/readyz").await, expected);
        webhook.release();
        let expected = (StatusCode::OK, "ready\n".to_owned());
        assert_eq!(get_text(&admin, "/readyz").await, expected);
    }

    #[tokio::test]
    async fn is_healthy_and_not_ready_while_shutting_down() {
        let (admin, _readying, trigger) = mk_admin();
        trigger.advance(Phase::Lingering);
        let expected = (
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting down\n".to_owned(),
        );
        assert_eq!(get_text(&admin, "/readyz").await, expected);
        assert_eq!(get_text(&admin, "/healthz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn serves_metrics() {
        let (admin, _readying, _trigger) = mk_admin();
        let (status, text) = get_text(&admin, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("oncue_build_info{version="), "{text}");
        assert!(text.contains("process_cpu_seconds_total "), "{text}");
        assert!(text.contains("process_resident_memory_bytes "), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
