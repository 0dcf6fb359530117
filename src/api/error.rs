//! Everything that can go wrong with a request, and the one place where it becomes a status.

use std::{fmt, time::Duration};

use axum::{
    BoxError,
    response::{IntoResponse, Response},
};
use oncue_core::access::{Refusal as AccessRefusal, RefusalKind};
use oncue_language::{NameError, Namespace, SyntaxError, VariableKey, name::NamespaceError};
use oncue_wire::{Problem, ProblemCode};
use thiserror::Error;
use tracing::error;

use super::json_error::JsonError;
use crate::{
    identity::AuthError,
    life::Kind,
    memory::Exhausted,
    net::{excerpt, problem},
    store::{Refusal, STALE, ShareTaken, StoreError, WaitError, WatchError},
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
    #[error(
        "the owner is in the namespace {owner}, and the variable in {variable}: a pod signals in \
         its own namespace only"
    )]
    ForeignOwner {
        owner: Namespace,
        variable: Namespace,
    },
    #[error("the body is not what was expected: {0}")]
    Json(JsonError),
    #[error("an assertion of kind {0} needs an owner, whose end withdraws it")]
    KindNeedsOwner(Kind),
    #[error("this path has other methods: see the Allow header")]
    MethodNotAllowed,
    #[error(transparent)]
    MemoryExhausted(Exhausted),
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
    #[error(transparent)]
    Refused(AccessRefusal),
    #[error("the store is shutting down: ask another, or later")]
    ShuttingDown,
    #[error("{STALE}")]
    Stale,
    #[error(transparent)]
    ShareTaken(ShareTaken),
    #[error(transparent)]
    Store(StoreError),
    #[error("term {:?} is wrong: {}: {}", .0.term, .0.at, .0.rule)]
    Term(SyntaxError),
    #[error("{count} terms are more than the {limit} that one request may have")]
    TooManyTerms { count: usize, limit: usize },
    #[error(transparent)]
    TooManyWaiters(WaitError),
    #[error(transparent)]
    Unauthenticated(AuthError),
    #[error("term {term:?} cannot be judged here: {rule}")]
    UnjudgedTerm { term: String, rule: String },
    #[error("there is nothing at this path: see /openapi.json")]
    UnknownPath,
    #[error(transparent)]
    Watch(WatchError),
}

impl ApiError {
    /// Returns why the caller of a request is not known or may not do this, as one word.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.label(),
            Self::Unauthenticated(AuthError::Token(error)) => error.label(),
            error => error.code().as_str(),
        }
    }

    pub(super) fn code(&self) -> ProblemCode {
        match self {
            Self::BodyTooLarge { .. } => ProblemCode::BodyTooLarge,
            Self::BodyTooSlow { .. } => ProblemCode::BodyTooSlow,
            Self::BodyUnreadable(_) | Self::Json(_) | Self::KindNeedsOwner(_) => {
                ProblemCode::InvalidBody
            }
            Self::ForeignOwner { .. } => ProblemCode::ForeignOwner,
            Self::MemoryExhausted(Exhausted {
                namespace: None, ..
            }) => ProblemCode::MemoryExhausted,
            Self::MemoryExhausted(_)
            | Self::ShareTaken(_)
            | Self::Watch(WatchError::ShareTaken(_)) => ProblemCode::NamespaceExhausted,
            Self::MethodNotAllowed => ProblemCode::MethodNotAllowed,
            Self::Metrics => ProblemCode::StoreFailed,
            Self::Name(_) | Self::PathEncoding => ProblemCode::InvalidName,
            Self::Namespace(_) => ProblemCode::InvalidNamespace,
            Self::NamespacesDiffer { .. } => ProblemCode::NamespacesDiffer,
            Self::NoSuchVariable(_) => ProblemCode::NoSuchVariable,
            Self::Query { .. } => ProblemCode::InvalidQuery,
            Self::Refused(refusal) => match refusal.kind() {
                RefusalKind::Forbidden => ProblemCode::Forbidden,
                RefusalKind::Later => ProblemCode::IdentityUnavailable,
                RefusalKind::Unauthorized => ProblemCode::Unauthorized,
            },
            Self::Stale => ProblemCode::StoreStale,
            Self::Store(error) => of_store(error),
            Self::Term(_) => ProblemCode::InvalidTerm,
            Self::TooManyTerms { .. } => ProblemCode::TooManyTerms,
            Self::TooManyWaiters(_) => ProblemCode::TooManyWaiters,
            Self::Unauthenticated(AuthError::Suspicious) => ProblemCode::TooManyTokens,
            Self::Unauthenticated(AuthError::Token(_)) => ProblemCode::Unauthorized,
            Self::Unauthenticated(AuthError::Unavailable) => ProblemCode::IdentityUnavailable,
            Self::UnjudgedTerm { .. } => ProblemCode::UnjudgedTerm,
            Self::UnknownPath => ProblemCode::NoSuchPath,
            Self::Watch(WatchError::TooMany { .. }) => ProblemCode::TooManyWatchers,
            Self::ShuttingDown | Self::Watch(_) => ProblemCode::StoreUnavailable,
        }
    }

    /// Returns the document, which says where in the request something is wrong.
    fn document(&self) -> Problem {
        let problem = Problem::new(self.code(), excerpt(self));
        let broken = |rule: &dyn fmt::Display| Some(excerpt(rule));
        match self {
            Self::Json(error) => Problem {
                line: Some(error.line),
                column: Some(error.column),
                rule: broken(&error.rule),
                ..problem
            },
            Self::MemoryExhausted(Exhausted { namespace, .. })
            | Self::Store(StoreError::OverLimit(Exhausted { namespace, .. })) => Problem {
                namespace: namespace.as_ref().map(ToString::to_string),
                ..problem
            },
            Self::ShareTaken(ShareTaken { namespace, .. })
            | Self::Watch(WatchError::ShareTaken(ShareTaken { namespace, .. })) => Problem {
                namespace: Some(namespace.to_string()),
                ..problem
            },
            Self::Name(error) => Problem {
                rule: broken(error),
                ..problem
            },
            Self::Namespace(error) => Problem {
                rule: broken(error),
                ..problem
            },
            Self::Query { rule } => Problem {
                rule: broken(rule),
                ..problem
            },
            Self::Term(error) => Problem {
                term: Some(excerpt(&error.term)),
                column: Some(error.at.column),
                rule: broken(&error.rule),
                ..problem
            },
            Self::UnjudgedTerm { term, rule } => Problem {
                term: Some(excerpt(term)),
                rule: broken(rule),
                ..problem
            },
            _ => problem,
        }
    }
}

fn of_store(error: &StoreError) -> ProblemCode {
    match error {
        StoreError::Closed => ProblemCode::StoreUnavailable,
        StoreError::Full { .. }
        | StoreError::OverLimit(Exhausted {
            namespace: None, ..
        }) => ProblemCode::StorageFull,
        StoreError::OverLimit(_) => ProblemCode::NamespaceExhausted,
        StoreError::NotShown(_) => ProblemCode::ChangeNotShown,
        StoreError::Refused(refusal) => of_refusal(refusal),
        StoreError::Unavailable(_) => ProblemCode::ClusterUnavailable,
        _ => ProblemCode::StoreFailed,
    }
}

fn of_refusal(refusal: &Refusal) -> ProblemCode {
    match refusal {
        Refusal::Forbidden(_) => ProblemCode::ChangeForbidden,
        Refusal::Invalid(_) => ProblemCode::ChangeRefused,
        Refusal::NoNamespace(_) => ProblemCode::NoSuchNamespace,
        Refusal::Deleting { .. } | Refusal::Occupied { .. } => ProblemCode::NameOccupied,
        Refusal::Terminating(_) => ProblemCode::NamespaceTerminating,
    }
}

/// Logs what an operator should look at; limits and a full disk are logged where they begin.
fn log(error: &ApiError) {
    if let ApiError::Store(error) = error
        && of_store(error) == ProblemCode::StoreFailed
    {
        let source = std::error::Error::source(error).map(tracing::field::display);
        error!(%error, source, "failed to change the store");
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        log(&self);
        problem::respond(self.code(), &self.document())
    }
}
