//! The caller of a request. The store has no authentication yet and trusts every caller. A store
//! with authentication decides here.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use oncue_language::VariableKey;

use super::error::ApiError;
use crate::life::Owner;

/// The caller of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Caller {
    /// A caller without authentication.
    Anonymous,
}

impl Caller {
    /// Returns in whose name the caller asserts a variable, given whom the request names: a pod
    /// signals in its own namespace only.
    pub(super) fn asserts_as(
        self,
        named: Option<Owner>,
        key: &VariableKey,
    ) -> Result<Option<Owner>, ApiError> {
        let owner = match self {
            Self::Anonymous => named,
        };
        match owner {
            Some(owner) if owner.namespace != key.namespace => Err(ApiError::ForeignOwner {
                owner: owner.namespace,
                variable: key.namespace.clone(),
            }),
            owner => Ok(owner),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::Anonymous)
    }
}
