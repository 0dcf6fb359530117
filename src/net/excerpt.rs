//! Texts that quote a request.

use std::fmt;

/// Returns the beginning of a text: it may quote what a request says, which may be long.
pub(crate) fn excerpt(text: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = text.to_string();
    if text.len() > MAX_EXCERPT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_EXCERPT_BYTES));
        text.push_str("...");
    }
    text
}

/// The most bytes of a text that quotes a request.
pub(crate) const MAX_EXCERPT_BYTES: usize = 1024;
