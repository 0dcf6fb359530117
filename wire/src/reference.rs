//! The documents of the two calls without a version.

use oncue_language::{Namespace, VariableName};
use serde::{Deserialize, Serialize};

/// The variable that `POST /` creates.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// The name of the variable.
    pub variable: VariableName,
    /// The namespace of the variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// Another spelling of `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Namespace>,
}

/// The variable that a request named, in canonical form.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reference {
    /// The name of the variable.
    pub variable: VariableName,
    /// The namespace of the variable.
    pub namespace: Namespace,
}
