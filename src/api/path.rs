//! What the path of a request says: a namespace, or a variable in it.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use oncue_language::{Namespace, VariableKey};

use super::error::ApiError;

/// The parameter that names the namespace.
const NAMESPACE: &str = "namespace";

/// The parameter that names the variable; it may hold slashes, plain or as `%2F`.
const NAME: &str = "name";

/// The namespace in the path.
#[derive(Debug)]
pub(super) struct InNamespace(pub(super) Namespace);

/// The variable in the path.
#[derive(Debug)]
pub(super) struct OfVariable(pub(super) VariableKey);

impl<S: Send + Sync> FromRequestParts<S> for InNamespace {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let decoded = decoded(parts, state).await?;
        namespace(&decoded).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfVariable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let decoded = decoded(parts, state).await?;
        let name = parameter(&decoded, NAME).parse().map_err(ApiError::Name)?;
        Ok(Self(VariableKey::new(namespace(&decoded)?, name)))
    }
}

/// Returns the parameters with their percent-encoding undone, once.
async fn decoded<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, ApiError> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ApiError::PathEncoding)
}

fn namespace(decoded: &RawPathParams) -> Result<Namespace, ApiError> {
    let text = parameter(decoded, NAMESPACE);
    text.parse().map_err(ApiError::Namespace)
}

/// Returns a parameter's text; a route without it names nothing.
fn parameter<'a>(decoded: &'a RawPathParams, name: &str) -> &'a str {
    decoded
        .iter()
        .find_map(|(key, value)| (key == name).then_some(value))
        .unwrap_or_default()
}
