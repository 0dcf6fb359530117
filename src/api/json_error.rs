//! What is wrong with a body, and where.

use std::fmt;

/// What is wrong with a body, and where.
#[derive(Debug)]
pub(super) struct JsonError {
    /// The rule that broke.
    pub(super) rule: String,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The column, counted from 1 in bytes.
    pub(super) column: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, column } = self;
        write!(f, "line {line}, column {column}: {rule}")
    }
}

/// Takes the place out of the text, so that it stands in a member of its own.
impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let rule = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self { rule, line, column }
    }
}
