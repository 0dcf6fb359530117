//! Listing, showing, asserting and deleting variables.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::{Namespace, Timeout};
use oncue_wire::{AssertRequest, Asserted, Variable, VariableList, VariableTree, limits::MAX_PAGE};

use super::{
    Api, answer,
    caller::Caller,
    documents,
    error::ApiError,
    json::Json,
    path::{InNamespace, OfVariable},
    query::{ListParameters, NoParameters, Parameters},
    tree::{self, Root},
};
use crate::{
    life::{AssertionId, Kind, Owner},
    store::{Effect, Existing, NewAssertion, Revision, Scope},
};

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
        names: prefix.names(),
    };
    let (revision, documents) = everything(api, &scope);
    let revision = revision.to_string();
    if tree {
        let root = match scope.namespace {
            Some(_) => Root::Names,
            None => Root::Namespaces,
        };
        let tree = tree::tree(root, documents);
        answer::json(StatusCode::OK, &VariableTree { revision, tree })
    } else {
        let list = VariableList {
            revision,
            variables: documents,
        };
        answer::json(StatusCode::OK, &list)
    }
}

/// Reads all pages, and returns the revision of the last one.
fn everything(api: &Api, scope: &Scope) -> (Revision, Vec<Variable>) {
    let mut assertions = Vec::new();
    let mut position = None;
    loop {
        let page = api.store().list(scope, MAX_PAGE, position);
        assertions.extend(page.assertions);
        position = page.next;
        if position.is_none() {
            return (page.revision, documents::variables(&assertions));
        }
    }
}

pub(super) async fn show(
    State(api): State<Api>,
    OfVariable(key): OfVariable,
    _: Parameters<NoParameters>,
) -> Result<Response, ApiError> {
    let (_, variables) = everything(&api, &Scope::of(key.clone()));
    match variables.first() {
        Some(variable) => Ok(answer::json(StatusCode::OK, variable)),
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
    let assertion = NewAssertion {
        id: assertion_id(caller.asserts_as(owner), kind)?,
        value,
        ttl: ttl.map(Timeout::duration),
        existing: Existing::Replace,
    };
    let asserted = api.assert(key.clone(), assertion).await?;
    let document = Asserted {
        namespace: key.namespace,
        name: key.name,
        assertion: documents::assertion(&asserted.assertion),
    };
    Ok(answer::json(status(asserted.effect), &document))
}

/// Without an owner nothing could ever withdraw what is live, so that it is durable.
fn assertion_id(owner: Option<Owner>, kind: Option<Kind>) -> Result<AssertionId, ApiError> {
    match (owner, kind) {
        (Some(owner), kind) => Ok(AssertionId::of(owner, kind.unwrap_or(Kind::Live))),
        (None, None | Some(Kind::Durable)) => Ok(AssertionId::HAND),
        (None, Some(kind)) => Err(ApiError::KindNeedsOwner(kind)),
    }
}

/// Returns the status for the effect of an assertion.
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
