//! The requests that list, show, assert and delete variables.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_core::access::{Allowed, Request};
use oncue_language::{Namespace, Timeout};
use oncue_wire::{
    AssertRequest, Asserted, VariableList, VariablePage, VariableTree,
    tree::{self, Root},
};

use super::{
    Api, answer,
    caller::Caller,
    documents,
    error::ApiError,
    fresh::Fresh,
    json::Json,
    pages::{self, Shape, Wanted},
    path::{InNamespace, OfVariable},
    query::{ListParameters, NoParameters, PageParameters, Parameters},
};
use crate::{
    cross_namespace::Asked,
    identity::Wish,
    language::VariableKey,
    life::{AssertionId, Kind, Owner},
    store::{Effect, Existing, NewAssertion, Position, Scope},
};

pub(super) async fn list_all(
    Fresh(api): Fresh,
    caller: Caller,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response, ApiError> {
    caller.may_read_all(&api)?;
    answer_list(&api, None, parameters)
}

pub(super) async fn list(
    Fresh(api): Fresh,
    InNamespace(namespace): InNamespace,
    caller: Caller,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response, ApiError> {
    caller.may_read(&api, &namespace, Asked::Variables)?;
    answer_list(&api, Some(&namespace), parameters)
}

fn answer_list(
    api: &Api,
    namespace: Option<&Namespace>,
    parameters: ListParameters,
) -> Result<Response, ApiError> {
    let ListParameters {
        prefix,
        tree,
        limit,
        token,
    } = parameters;
    let root = match namespace {
        Some(_) => Root::Names,
        None => Root::Namespaces,
    };
    let scope = Scope {
        namespace: namespace.cloned(),
        names: prefix.names(),
    };
    let wanted = Wanted {
        from: token,
        limit,
        shape: if tree { Shape::Tree } else { Shape::List },
    };
    let page = pages::assertions(api.store(), &scope, wanted)?;
    let revision = page.revision.to_string();
    let variables = documents::variables(&page.assertions);
    let token = page.next.map(|position| position.to_string());
    if tree {
        let tree = VariableTree {
            revision,
            tree: tree::branches(root, variables),
            r#continue: token,
        };
        return api.json((StatusCode::OK, namespace), &tree);
    }
    let list = VariableList {
        revision,
        variables,
        r#continue: token,
    };
    api.json((StatusCode::OK, namespace), &list)
}

pub(super) async fn show(
    State(api): State<Api>,
    OfVariable(key): OfVariable,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters<Position>>,
) -> Result<Response, ApiError> {
    caller.may_read(&api, &key.namespace, Asked::Variables)?;
    let PageParameters { limit, token } = parameters;
    let scope = Scope::of(key.clone());
    let wanted = Wanted {
        from: token,
        limit,
        shape: Shape::List,
    };
    let page = pages::assertions(api.store(), &scope, wanted)?;
    if page.assertions.is_empty() {
        return Err(api.absent(key));
    }
    let assertions = page.assertions.iter();
    let document = VariablePage {
        namespace: key.namespace,
        name: key.name,
        assertions: assertions.map(|(_, it)| documents::assertion(it)).collect(),
        r#continue: page.next.map(|position| position.to_string()),
    };
    let of = document.namespace.clone();
    api.json((StatusCode::OK, Some(&of)), &document)
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
    let is_of_containers = kind.is_none_or(|kind| kind == Kind::Live);
    let named = owner.as_ref().filter(|_| is_of_containers);
    let wish = Wish::Signal(&key.name, value.as_ref());
    let request = Request::Assert {
        namespace: &key.namespace,
        owner: owner.as_ref(),
        vouched: caller.vouched(&api, (named, wish)),
    };
    let owner = match caller.may(&api, &request)? {
        Allowed::AsAsked => in_its_namespace(owner, &key)?,
        Allowed::AsPod(pod) => Some(pod),
    };
    let assertion = NewAssertion {
        id: assertion_id(owner, kind)?,
        value,
        ttl: ttl.map(Timeout::duration),
        existing: Existing::Replace,
    };
    let asserted = api.assert(&caller, (&key, assertion)).await?;
    let document = Asserted {
        namespace: key.namespace,
        name: key.name,
        assertion: documents::assertion(&asserted.assertion),
    };
    let of = document.namespace.clone();
    api.json((status(asserted.effect), Some(&of)), &document)
}

/// Checks that an owner signals in its own namespace.
fn in_its_namespace(owner: Option<Owner>, key: &VariableKey) -> Result<Option<Owner>, ApiError> {
    match owner {
        Some(owner) if owner.namespace != key.namespace => Err(ApiError::ForeignOwner {
            owner: owner.namespace,
            variable: key.namespace.clone(),
        }),
        owner => Ok(owner),
    }
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
    caller: Caller,
    _: Parameters<NoParameters>,
) -> Result<Response, ApiError> {
    let namespace = &key.namespace;
    caller.may(&api, &Request::Delete { namespace })?;
    if api.delete(&caller, &key).await? {
        Ok(answer::no_content())
    } else {
        Err(ApiError::NoSuchVariable(key))
    }
}
