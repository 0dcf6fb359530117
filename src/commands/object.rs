//! What a command reads of a live object.

use serde_json::Value;

use crate::injection::CONTAINER;

/// Returns the text at a JSON pointer, which is empty if there is no text.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// Returns the status of the container that waits, if the kubelet has reported it.
pub(super) fn wait_status(pod: &Value) -> Option<&Value> {
    let containers = pod.pointer("/status/initContainerStatuses")?.as_array()?;
    containers
        .iter()
        .find(|status| text(status, "/name") == CONTAINER)
}
