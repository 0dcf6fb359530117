//! Requests that only a replica may answer which sees what others have written.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::{Api, error::ApiError};
use crate::language::VariableKey;

/// The API of a replica that sees what others have written.
#[derive(Clone, Debug)]
pub(super) struct Fresh(pub(super) Api);

impl<S> FromRequestParts<S> for Fresh
where
    Api: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let api = Api::from_ref(state);
        if api.store().staleness().is_stale() {
            Err(ApiError::Stale)
        } else {
            Ok(Self(api))
        }
    }
}

impl Api {
    /// Returns the answer about a variable that this replica does not know: another one may.
    pub(super) fn absent(&self, key: VariableKey) -> ApiError {
        if self.store().staleness().is_stale() {
            ApiError::Stale
        } else {
            ApiError::NoSuchVariable(key)
        }
    }
}
