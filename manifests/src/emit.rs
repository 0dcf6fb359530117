//! Values to text that every reader takes for the same value.

use serde_json::Value;
use thiserror::Error;

/// A value that cannot be written.
#[derive(Debug, Error)]
pub enum EmitError {
    /// As JSON.
    #[error("failed to write an object as JSON")]
    Json(#[source] serde_json::Error),
    /// As YAML.
    #[error("failed to write an object as YAML")]
    Yaml(#[source] serde_saphyr::ser::Error),
}

/// Returns `value` as YAML in the style of `kubectl`, its keys in their order; strings that a
/// YAML 1.1 reader would take for something else are in quotes.
pub fn to_yaml(value: &Value) -> Result<String, EmitError> {
    let options = serde_saphyr::ser_options! {
        // Folding is for prose: in a manifest a long line is a command or a certificate.
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(value, options).map_err(EmitError::Yaml)
}

/// Returns `value` as indented JSON, its keys in their order, without a newline at the end.
pub fn to_json(value: &Value) -> Result<String, EmitError> {
    serde_json::to_string_pretty(value).map_err(EmitError::Json)
}
