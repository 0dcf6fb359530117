//! Everything that can go wrong with a request, and the one place where it becomes a status.

use std::time::Duration;

use axum::{
    BoxError,
    response::{IntoResponse, Response},
};
use oncue_language::{NameError, Namespace, SyntaxError, VariableKey, name::NamespaceError};
use thiserror::Error;
use tracing::error;

use super::{
    json::JsonError,
    problem::{self, Place, Problem},
};
use crate::{
    life::Kind,
    store::{StoreError, WaitError, WatchError},
};

/// What is wrong with a request, or with the store.
#[derive(Debug, Error)]
pub(super) enum ApiError {
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body did not come within {} s", .limit.as_secs())]
    BodyTooSlow { limit: Duration },
    #[error("failed to read the body: {0}")]
    BodyUnreadable(BoxError),
    #[error("the body is not what was expected: {0}")]
    Json(JsonError),
    #[error("an assertion of kind {0} needs an owner, whose end withdraws it")]
    KindNeedsOwner(Kind),
    #[error("this path has other methods: see the Allow header")]
    MethodNotAllowed,
    #[error("failed to write the metrics")]
    Metrics,
    #[error("the variable's name is wrong: {0}")]
    Name(NameError),
    #[error("the namespace is wrong: {0}")]
    Namespace(NamespaceError),
    #[error("the namespace is said more than once, and not the same: {first} and {second}")]
    NamespacesDiffer { first: Namespace, second: Namespace },
    #[error("{0} does not exist")]
    NoSuchVariable(VariableKey),
    #[error("the path is not percent-encoded UTF-8")]
    PathEncoding,
    #[error("the query is wrong: {rule}")]
    Query { rule: String },
    #[error("the store is shutting down: ask another, or later")]
    ShuttingDown,
    #[error(transparent)]
    Store(StoreError),
    #[error("term {:?} is wrong: {}: {}", .0.term, .0.at, .0.rule)]
    Term(SyntaxError),
    #[error("{count} terms are more than the {limit} that one request may have")]
    TooManyTerms { count: usize, limit: usize },
    #[error(transparent)]
    TooManyWaiters(WaitError),
    #[error("term {term:?} cannot be judged here: {rule}")]
    UnjudgedTerm { term: String, rule: String },
    #[error("there is nothing at this path: see /openapi.json")]
    UnknownPath,
    #[error(transparent)]
    Watch(WatchError),
}

impl ApiError {
    fn kind(&self) -> problem::Kind {
        match self {
            Self::BodyTooLarge { .. } => problem::BODY_TOO_LARGE,
            Self::BodyTooSlow { .. } => problem::BODY_TOO_SLOW,
            Self::BodyUnreadable(_) | Self::Json(_) | Self::KindNeedsOwner(_) => {
                problem::INVALID_BODY
            }
            Self::MethodNotAllowed => problem::METHOD_NOT_ALLOWED,
            Self::Metrics => problem::STORE_FAILED,
            Self::Name(_) | Self::PathEncoding => problem::INVALID_NAME,
            Self::Namespace(_) => problem::INVALID_NAMESPACE,
            Self::NamespacesDiffer { .. } => problem::NAMESPACES_DIFFER,
            Self::NoSuchVariable(_) => problem::NO_SUCH_VARIABLE,
            Self::Query { .. } => problem::INVALID_QUERY,
            Self::Store(error) => of_store(error),
            Self::Term(_) => problem::INVALID_TERM,
            Self::TooManyTerms { .. } => problem::TOO_MANY_TERMS,
            Self::TooManyWaiters(_) => problem::TOO_MANY_WAITERS,
            Self::UnjudgedTerm { .. } => problem::UNJUDGED_TERM,
            Self::UnknownPath => problem::NO_SUCH_PATH,
            Self::Watch(WatchError::TooMany { .. }) => problem::TOO_MANY_WATCHERS,
            Self::ShuttingDown | Self::Watch(_) => problem::STORE_UNAVAILABLE,
        }
    }

    fn place(&self) -> Place {
        let rule = |rule: &dyn ToString| Place {
            rule: Some(rule.to_string()),
            ..Place::default()
        };
        match self {
            Self::Json(error) => Place {
                line: Some(error.line),
                column: Some(error.column),
                ..rule(&error.rule)
            },
            Self::Name(error) => rule(error),
            Self::Namespace(error) => rule(error),
            Self::Query { rule: broken } => rule(broken),
            Self::Term(error) => Place {
                term: Some(error.term.clone()),
                column: Some(error.at.column),
                ..rule(&error.rule)
            },
            Self::UnjudgedTerm { term, rule: broken } => Place {
                term: Some(term.clone()),
                ..rule(broken)
            },
            _ => Place::default(),
        }
    }
}

fn of_store(error: &StoreError) -> problem::Kind {
    match error {
        StoreError::Closed => problem::STORE_UNAVAILABLE,
        StoreError::Full { .. } => problem::STORAGE_FULL,
        _ => problem::STORE_FAILED,
    }
}

/// Logs what an operator should look at.
fn log(error: &ApiError) {
    if let ApiError::Store(error) = error {
        let source = std::error::Error::source(error).map(tracing::field::display);
        error!(%error, source, "failed to change the store");
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        log(&self);
        let problem = Problem {
            kind: self.kind(),
            detail: self.to_string(),
            place: self.place(),
        };
        problem.into_response()
    }
}
