//! What a command reads of a live object.

use serde_json::Value;

/// Returns the text at a JSON pointer, which is empty if there is no text.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}
