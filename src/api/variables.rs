//! Listing, showing, asserting and deleting variables.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::{Namespace, Timeout, VariableKey};
use serde::Serialize;

use super::{
    Api, answer,
    caller::Caller,
    documents::{AssertRequest, RequestedKind, VariableDocument, printed},
    error::ApiError,
    json::Json,
    path::{InNamespace, OfVariable},
    query::{ListParameters, NoParameters, Parameters},
    tree::Branches,
};
use crate::{
    life::{AssertionId, Kind, Owner},
    store::{Asserted, Effect, Existing, Listing, NewAssertion, Revision, Scope},
};

/// The variables that were asked for.
#[derive(Debug, Serialize)]
struct ListDocument<'a> {
    #[serde(serialize_with = "printed")]
    revision: Revision,
    variables: Vec<VariableDocument<'a>>,
}

/// The variables that were asked for, by the segments of their names.
#[derive(Debug, Serialize)]
struct TreeDocument<'a> {
    #[serde(serialize_with = "printed")]
    revision: Revision,
    tree: Branches<VariableDocument<'a>>,
}

pub(super) async fn list_all(
    State(api): State<Api>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Response {
    answer_list(&api, None, parameters)
}

pub(super) async fn list(
    State(api): State<Api>,
    InNamespace(namespace): InNamespace,
    Parameters(parameters): Parameters<ListParameters>,
) -> Response {
    answer_list(&api, Some(namespace), parameters)
}

fn answer_list(api: &Api, namespace: Option<Namespace>, parameters: ListParameters) -> Response {
    let ListParameters { prefix, tree } = parameters;
    let scope = Scope {
        namespace,
        prefix: prefix.0,
    };
    let Listing {
        revision,
        variables,
    } = api.store().list(&scope);
    let documents = variables
        .iter()
        .map(|variable| VariableDocument::new(variable));
    if tree {
        let mut tree = Branches::default();
        for (variable, document) in variables.iter().zip(documents) {
            tree.hang(path(variable.key(), &scope), document);
        }
        answer::json(StatusCode::OK, &TreeDocument { revision, tree })
    } else {
        let variables = documents.collect();
        answer::json(
            StatusCode::OK,
            &ListDocument {
                revision,
                variables,
            },
        )
    }
}

/// A tree over all namespaces begins with them.
fn path<'a>(key: &'a VariableKey, scope: &Scope) -> impl Iterator<Item = &'a str> {
    let namespace = scope.namespace.is_none().then(|| key.namespace.as_str());
    namespace.into_iter().chain(key.name.segments())
}

pub(super) async fn show(
    State(api): State<Api>,
    OfVariable(key): OfVariable,
    _: Parameters<NoParameters>,
) -> Result<Response, ApiError> {
    match api.store().get(&key) {
        Some(variable) => Ok(answer::json(
            StatusCode::OK,
            &VariableDocument::new(&variable),
        )),
        None => Err(ApiError::NoSuchVariable(key)),
    }
}

pub(super) async fn assert(
    State(api): State<Api>,
    OfVariable(key): OfVariable,
    caller: Caller,
    _: Parameters<NoParameters>,
    Json(request): Json<AssertRequest>,
) -> Result<Response, ApiError> {
    let AssertRequest {
        value,
        ttl,
        kind,
        owner,
    } = request;
    let owner = caller.asserts_as(owner.map(Owner::from));
    let assertion = NewAssertion {
        id: assertion_id(owner, kind)?,
        value,
        ttl: ttl.map(Timeout::duration),
        existing: Existing::Replace,
    };
    let Asserted { effect, variable } = api.assert(key, assertion).await?;
    Ok(answer::json(
        status(effect),
        &VariableDocument::new(&variable),
    ))
}

/// Without an owner nothing could ever withdraw what is live, so that it is durable.
fn assertion_id(
    owner: Option<Owner>,
    kind: Option<RequestedKind>,
) -> Result<AssertionId, ApiError> {
    let kind = kind.map(|RequestedKind(kind)| kind);
    match (owner, kind) {
        (Some(owner), kind) => Ok(AssertionId::of(owner, kind.unwrap_or(Kind::Live))),
        (None, None | Some(Kind::Durable)) => Ok(AssertionId::HAND),
        (None, Some(kind)) => Err(ApiError::KindNeedsOwner(kind)),
    }
}

/// Returns the status that tells what an assertion made of its variable.
pub(super) fn status(effect: Effect) -> StatusCode {
    match effect {
        Effect::Created => StatusCode::CREATED,
        Effect::Changed | Effect::Deleted | Effect::Unchanged => StatusCode::OK,
    }
}

pub(super) async fn delete(
    State(api): State<Api>,
    OfVariable(key): OfVariable,
    _: Parameters<NoParameters>,
) -> Result<Response, ApiError> {
    if api.delete(key.clone()).await? {
        Ok(answer::no_content())
    } else {
        Err(ApiError::NoSuchVariable(key))
    }
}
