//! A JSON Patch (RFC 6902) of single-element operations.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON Patch: `add`s of single elements, and `remove`s of elements that are oncue's own.
///
/// It is written as JSON while it grows, since the webhook sends those very bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Patch {
    /// A JSON array without its closing bracket.
    json: String,
    operations: usize,
}

impl Patch {
    /// Returns how many operations there are.
    pub fn len(&self) -> usize {
        self.operations
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.operations == 0
    }

    /// Returns the patch as a JSON text.
    pub fn into_json(mut self) -> String {
        self.json.push(']');
        self.json
    }

    /// Returns the patch in the form that can be applied.
    ///
    /// # Panics
    /// Never: what was written here is a patch.
    pub fn to_json_patch(&self) -> json_patch::Patch {
        serde_json::from_str(&self.clone().into_json()).expect("each operation was written whole")
    }
}

impl Default for Patch {
    fn default() -> Self {
        Self {
            json: String::from("["),
            operations: 0,
        }
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.clone().into_json())
            .expect("each operation was written whole")
            .serialize(serializer)
    }
}
