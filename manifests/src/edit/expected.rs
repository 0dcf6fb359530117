//! What an object is once it is changed.

use serde_json::{Map, Value};

use super::{Edit, EditError};

/// Returns the object with `edits`.
pub(super) fn apply(object: &Value, edits: &[Edit]) -> Result<Value, EditError> {
    let mut object = object.clone();
    for edit in edits {
        match edit {
            Edit::RemoveItems { pointer, items } => remove(&mut object, pointer, items)?,
            Edit::Set {
                pointer,
                keys,
                entries,
            } => set(&mut object, (pointer, keys), entries)?,
        }
    }
    Ok(object)
}

fn remove(object: &mut Value, pointer: &str, items: &[usize]) -> Result<(), EditError> {
    let missing = || EditError::Missing {
        pointer: pointer.to_owned(),
    };
    let list = object.pointer_mut(pointer).and_then(Value::as_array_mut);
    let list = list.ok_or_else(missing)?;
    for item in items.iter().rev() {
        if *item >= list.len() {
            return Err(missing());
        }
        list.remove(*item);
    }
    if list.is_empty() {
        let (parent, key) = pointer.rsplit_once('/').ok_or_else(missing)?;
        let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.ok_or_else(missing)?.shift_remove(key);
    }
    Ok(())
}

fn set(
    object: &mut Value,
    (pointer, keys): (&str, &[String]),
    entries: &[(String, String)],
) -> Result<(), EditError> {
    let missing = || EditError::Missing {
        pointer: pointer.to_owned(),
    };
    let mut place = object.pointer_mut(pointer).ok_or_else(missing)?;
    for key in keys {
        if place.is_null() {
            *place = Map::new().into();
        }
        let fields = place.as_object_mut().ok_or_else(missing)?;
        place = fields.entry(key.as_str()).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = Map::new().into();
    }
    let fields = place.as_object_mut().ok_or_else(missing)?;
    for (key, value) in entries {
        fields.insert(key.clone(), value.as_str().into());
    }
    Ok(())
}
