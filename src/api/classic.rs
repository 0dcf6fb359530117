//! The two calls of the service that oncue grew from: their users' command lines keep working.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::{Namespace, VariableKey, VariableName};
use serde::{Deserialize, Serialize};

use super::{
    Api, answer,
    error::ApiError,
    json::{Json, parsed, parsed_if_any},
    query::Parameters,
    variables::status,
};
use crate::{
    life::AssertionId,
    store::{Asserted, Existing, NewAssertion},
};

/// The namespace in both of its spellings, in a query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateParameters {
    #[serde(default, deserialize_with = "parsed_if_any")]
    namespace: Option<Namespace>,
    #[serde(default, deserialize_with = "parsed_if_any")]
    config: Option<Namespace>,
}

/// Whose existence is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExistsParameters {
    #[serde(deserialize_with = "parsed")]
    variable: VariableName,
    #[serde(default, deserialize_with = "parsed_if_any")]
    namespace: Option<Namespace>,
    #[serde(default, deserialize_with = "parsed_if_any")]
    config: Option<Namespace>,
}

/// What is to be created.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRequest {
    #[serde(deserialize_with = "parsed")]
    variable: VariableName,
    #[serde(default, deserialize_with = "parsed_if_any")]
    namespace: Option<Namespace>,
    #[serde(default, deserialize_with = "parsed_if_any")]
    config: Option<Namespace>,
}

/// The variable that was meant, in canonical form.
#[derive(Debug, Serialize)]
struct Reference<'a> {
    variable: &'a str,
    namespace: &'a str,
}

impl<'a> Reference<'a> {
    fn new(key: &'a VariableKey) -> Self {
        Self {
            variable: key.name.as_str(),
            namespace: key.namespace.as_str(),
        }
    }
}

pub(super) async fn exists(
    State(api): State<Api>,
    Parameters(parameters): Parameters<ExistsParameters>,
) -> Result<Response, ApiError> {
    let ExistsParameters {
        variable,
        namespace,
        config,
    } = parameters;
    let key = VariableKey::new(one_namespace([namespace, config])?, variable);
    match api.store().get(&key) {
        Some(_) => Ok(answer::json(StatusCode::OK, &Reference::new(&key))),
        None => Err(ApiError::NoSuchVariable(key)),
    }
}

pub(super) async fn create(
    State(api): State<Api>,
    Parameters(parameters): Parameters<CreateParameters>,
    Json(request): Json<CreateRequest>,
) -> Result<Response, ApiError> {
    let CreateRequest {
        variable,
        namespace,
        config,
    } = request;
    let said = [parameters.namespace, parameters.config, namespace, config];
    let key = VariableKey::new(one_namespace(said)?, variable);
    let Asserted { effect, .. } = api.assert(key.clone(), BY_HAND).await?;
    Ok(answer::json(status(effect), &Reference::new(&key)))
}

/// Says that a variable exists, and nothing else: what is there already stays as it is.
const BY_HAND: NewAssertion = NewAssertion {
    id: AssertionId::HAND,
    value: None,
    ttl: None,
    existing: Existing::Keep,
};

/// Returns the one namespace that is said, however often; `default` where none is.
fn one_namespace(said: impl IntoIterator<Item = Option<Namespace>>) -> Result<Namespace, ApiError> {
    let mut said = said.into_iter().flatten();
    let Some(first) = said.next() else {
        return Ok(Namespace::default());
    };
    match said.find(|other| *other != first) {
        Some(second) => Err(ApiError::NamespacesDiffer { first, second }),
        None => Ok(first),
    }
}
