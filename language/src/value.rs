//! The value that an assertion may carry.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

use crate::template::escape;

/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 4096;

/// A value: at most 4096 bytes of UTF-8, which may be empty.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Value(Arc<str>);

impl Value {
    /// Returns the text as it was given, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn check_length(bytes: usize) -> Result<(), ValueError> {
        match bytes {
            0..=MAX_VALUE_BYTES => Ok(()),
            bytes => Err(ValueError { bytes }),
        }
    }
}

/// Writes the value as a term holds it: in double quotes if it would not end by itself, and with
/// `$$(` for `$(`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(f, &escape(&self.0))
    }
}

/// Takes the text as it is: quotes are the business of the term that holds the value.
impl FromStr for Value {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::check_length(text.len())?;
        Ok(Self(text.into()))
    }
}

/// A value that is too long.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("a value has at most {MAX_VALUE_BYTES} bytes, this one has {bytes}")]
pub struct ValueError {
    bytes: usize,
}

/// Writes `word` so that the term parser reads it back: quoted only if it must be.
pub(crate) fn write_word(f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
    if !word.is_empty() && !word.contains(ends_word) && !word.contains(['"', '\\']) {
        return f.write_str(word);
    }
    f.write_str("\"")?;
    for character in word.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{character}")?;
    }
    f.write_str("\"")
}

/// Returns whether a bare URL or value ends at this character.
pub(crate) fn ends_word(character: char) -> bool {
    character == ',' || character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_at_most_4096_bytes() {
        let longest: Value = "x".repeat(4096).parse().unwrap();
        assert_eq!(longest.as_str().len(), 4096);
        let error = "x".repeat(4097).parse::<Value>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a value has at most 4096 bytes, this one has 4097"
        );
    }

    #[test]
    fn prints_in_quotes_if_it_would_not_end_by_itself() {
        for (value, printed) in [
            ("", "\"\""),
            ("v", "v"),
            ("a b", "\"a b\""),
            ("a,b", "\"a,b\""),
            ("a\\b", "\"a\\\\b\""),
            ("a\"b", "\"a\\\"b\""),
            ("$(POD_NAME)", "$$(POD_NAME)"),
            ("$$(", "$$$("),
        ] {
            assert_eq!(value.parse::<Value>().unwrap().to_string(), printed);
        }
    }
}
