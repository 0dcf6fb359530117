//! The caller of a request. The store has no authentication yet and trusts every caller. A store
//! with authentication decides here.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::life::Owner;

/// The caller of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Caller {
    /// A caller without authentication.
    Anonymous,
}

impl Caller {
    /// Returns in whose name the caller asserts, given whom the request names.
    pub(super) fn asserts_as(self, named: Option<Owner>) -> Option<Owner> {
        match self {
            Self::Anonymous => named,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::Anonymous)
    }
}
