//! Which path and method is answered by whom.

use axum::routing::{MethodRouter, get, post};

use super::{
    Api, classic, error::ApiError, identity, operation, variables, wait::Wait, waiters, watch,
};

/// Every path of the API, with its methods.
pub(super) fn table() -> [(&'static str, MethodRouter<Api>); 14] {
    [
        ("/", get(classic::exists).post(classic::create)),
        ("/v1/variables", get(variables::list_all)),
        ("/v1/namespaces/{namespace}/variables", get(variables::list)),
        ("/v1/namespaces/{namespace}/variables/{*name}", variable()),
        // The same path with an empty name: the answer states the rule for names.
        ("/v1/namespaces/{namespace}/variables/", variable()),
        ("/v1/namespaces/{namespace}/wait", post(Wait)),
        ("/v1/namespaces/{namespace}/watch", get(watch::watch)),
        ("/v1/namespaces/{namespace}/waiters", get(waiters::list)),
        ("/v1/waiters", get(waiters::list_all)),
        ("/v1/identity", get(identity::show)),
        ("/openapi.json", get(operation::openapi)),
        ("/healthz", get(operation::health)),
        ("/readyz", get(operation::readiness)),
        ("/metrics", get(operation::metrics)),
    ]
}

fn variable() -> MethodRouter<Api> {
    get(variables::show)
        .put(variables::assert)
        .delete(variables::delete)
}

pub(super) async fn unknown_path() -> ApiError {
    ApiError::UnknownPath
}

pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
