//! Parts of an object. A part of an unexpected type counts as absent.

use serde_json::Value;

/// Returns the whole number at a JSON pointer.
pub(super) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer)?.as_i64()
}

/// Returns the count at a JSON pointer; Kubernetes leaves out counts that are zero.
pub(super) fn count(object: &Value, pointer: &str) -> i64 {
    number(object, pointer).unwrap_or(0)
}

/// Returns whether the field at a JSON pointer is `true`.
pub(super) fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(true))
}

/// Returns the items of the list at a JSON pointer.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let items = object.pointer(pointer).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// Returns whether someone has deleted the object, which may take until its processes have ended.
pub(super) fn is_being_deleted(object: &Value) -> bool {
    let timestamp = object.pointer("/metadata/deletionTimestamp");
    timestamp.is_some_and(|timestamp| !timestamp.is_null())
}

/// Returns the name of the object.
pub(super) fn name(object: &Value) -> &str {
    crate::workload::text(object, "/metadata/name").unwrap_or_default()
}
