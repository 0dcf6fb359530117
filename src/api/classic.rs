//! The two calls of the service that oncue grew from: scripts that use them keep working.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_core::access::Request;
use oncue_language::{Namespace, VariableKey, VariableName};
use oncue_wire::{CreateRequest, Reference};
use serde::Deserialize;

use super::{
    Api, caller::Caller, error::ApiError, json::Json, query::Parameters, variables::status,
};
use crate::{
    cross_namespace::Asked,
    life::AssertionId,
    store::{Asserted, Existing, NewAssertion},
};

/// The namespace in both of its spellings, in a query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateParameters {
    namespace: Option<Namespace>,
    config: Option<Namespace>,
}

/// Whose existence is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExistsParameters {
    variable: VariableName,
    namespace: Option<Namespace>,
    config: Option<Namespace>,
}

/// Returns a variable's key as it is answered.
fn reference(key: VariableKey) -> Reference {
    Reference {
        variable: key.name,
        namespace: key.namespace,
    }
}

pub(super) async fn exists(
    State(api): State<Api>,
    caller: Caller,
    Parameters(parameters): Parameters<ExistsParameters>,
) -> Result<Response, ApiError> {
    let ExistsParameters {
        variable,
        namespace,
        config,
    } = parameters;
    let namespace = one_namespace([namespace, config], &caller)?;
    let key = VariableKey::new(namespace, variable);
    let namespace = &key.namespace;
    let forbidden = caller.forbidden(&api, namespace, Asked::Variables);
    let forbidden = forbidden.as_ref();
    let request = Request::Exists {
        namespace,
        forbidden,
    };
    caller.may(&api, &request)?;
    if api.store().exists(&key) {
        api.json((StatusCode::OK, None), &reference(key))
    } else {
        Err(api.absent(key))
    }
}

pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Parameters(parameters): Parameters<CreateParameters>,
    Json(request): Json<CreateRequest>,
) -> Result<Response, ApiError> {
    let CreateRequest {
        variable,
        namespace,
        config,
    } = request;
    let said = [parameters.namespace, parameters.config, namespace, config];
    let key = VariableKey::new(one_namespace(said, &caller)?, variable);
    let namespace = &key.namespace;
    caller.may(&api, &Request::Create { namespace })?;
    let Asserted { effect, .. } = api.assert(&caller, (&key, BY_HAND)).await?;
    api.json((status(effect), None), &reference(key))
}

/// Says that a variable exists, and nothing else: what is there already stays as it is.
const BY_HAND: NewAssertion = NewAssertion {
    id: AssertionId::HAND,
    value: None,
    ttl: None,
    existing: Existing::KeepValue,
};

/// Returns the one namespace that is said, however often; the caller's where none is.
fn one_namespace(
    said: impl IntoIterator<Item = Option<Namespace>>,
    caller: &Caller,
) -> Result<Namespace, ApiError> {
    let mut said = said.into_iter().flatten();
    let Some(first) = said.next() else {
        return Ok(caller.namespace());
    };
    match said.find(|other| *other != first) {
        Some(second) => Err(ApiError::NamespacesDiffer { first, second }),
        None => Ok(first),
    }
}
