//! Requests of operators: health, readiness, metrics and the `OpenAPI` document.

use axum::{extract::State, response::Response};
use oncue_core::access::Request;
use prometheus_client::encoding::text;

use super::{
    Api,
    answer::{self, Content},
    caller::Caller,
    error::ApiError,
};
use crate::net::Phase;

/// The whole contract.
const OPENAPI: &str = include_str!("openapi.json");

pub(super) async fn openapi() -> Response {
    answer::ok(Content::Json, OPENAPI)
}

pub(super) async fn health() -> Response {
    answer::ok(Content::Text, "ok\n")
}

pub(super) async fn readiness(State(api): State<Api>) -> Result<Response, ApiError> {
    match api.shutdown().phase() {
        Phase::Serving if api.store().staleness().is_stale() => Err(ApiError::Stale),
        Phase::Serving => Ok(answer::ok(Content::Text, "ready\n")),
        Phase::Lingering | Phase::Draining => Err(ApiError::ShuttingDown),
    }
}

pub(super) async fn metrics(State(api): State<Api>, caller: Caller) -> Result<Response, ApiError> {
    caller.may(&api, &Request::Metrics)?;
    let mut text = String::new();
    text::encode(&mut text, api.registry()).map_err(|_| ApiError::Metrics)?;
    Ok(answer::ok(Content::OpenMetrics, text))
}
