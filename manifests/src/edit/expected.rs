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
                value,
            } => set(&mut object, (pointer, keys), value)?,
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
    value: &str,
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
    *place = value.into();
    Ok(())
}
