//! A JSON Patch (RFC 6902) of single-element operations.

use std::fmt;

use json_patch::jsonptr::Token;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON Patch: `add`s of single elements, and `remove`s of elements that are oncue's own.
///
/// It is written as JSON while it grows, since the webhook sends those very bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Patch {
    /// A JSON array without its closing bracket.
    json: Vec<u8>,
    operations: usize,
}

/// Room for what a typical pod gets.
const TYPICAL_BYTES: usize = 4096;

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
    ///
    /// # Panics
    /// Never: `serde_json` writes UTF-8.
    pub fn into_json(mut self) -> String {
        self.json.push(b']');
        String::from_utf8(self.json).expect("serde_json writes UTF-8")
    }

    /// Returns the patch in the form that can be applied.
    ///
    /// # Panics
    /// Never: each operation was written whole.
    pub fn to_json_patch(&self) -> json_patch::Patch {
        serde_json::from_str(&self.clone().into_json()).expect("each operation was written whole")
    }

    /// Adds `value` at `path`; an existing member of an object is replaced.
    pub(crate) fn add(&mut self, path: fmt::Arguments<'_>, value: &impl Serialize) {
        self.push(&Operation {
            op: "add",
            path: Path(path),
            value: Some(value),
        });
    }

    /// Adds `value` as the member `key` of the object at `path`.
    pub(crate) fn add_member(&mut self, path: &str, key: &str, value: &impl Serialize) {
        self.add(format_args!("{path}/{}", Token::new(key).encoded()), value);
    }

    /// Removes the member `key` of the object at `path`.
    pub(crate) fn remove_member(&mut self, path: &str, key: &str) {
        self.remove(format_args!("{path}/{}", Token::new(key).encoded()));
    }

    /// Removes what is at `path`.
    pub(crate) fn remove(&mut self, path: fmt::Arguments<'_>) {
        self.push(&Operation::<()> {
            op: "remove",
            path: Path(path),
            value: None,
        });
    }

    fn push(&mut self, operation: &impl Serialize) {
        if self.operations > 0 {
            self.json.push(b',');
        }
        self.operations += 1;
        serde_json::to_writer(&mut self.json, operation)
            .expect("our elements have string keys, and memory takes every byte");
    }
}

impl Default for Patch {
    fn default() -> Self {
        let mut json = Vec::with_capacity(TYPICAL_BYTES);
        json.push(b'[');
        Self {
            json,
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

#[derive(Serialize)]
struct Operation<'a, T> {
    op: &'static str,
    path: Path<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a T>,
}

struct Path<'a>(fmt::Arguments<'a>);

impl Serialize for Path<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The path of a container.
pub(crate) struct ElementPath {
    /// The list of the pod's spec that the container is in.
    pub(crate) list: &'static str,
    pub(crate) index: usize,
}

impl fmt::Display for ElementPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/spec/{}/{}", self.list, self.index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn writes_what_json_patch_reads() {
        let mut patch = Patch::default();
        patch.add_member("/a", "x/y~z", &"v\"");
        patch.remove(format_args!("/b/0"));
        assert_eq!(patch.len(), 2);
        let mut document = json!({"a": {}, "b": [1, 2]});
        json_patch::patch(&mut document, &patch.to_json_patch()).unwrap();
        assert_eq!(document, json!({"a": {"x/y~z": "v\""}, "b": [2]}));
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"[{"op":"add","path":"/a/x~1y~0z","value":"v\""},{"op":"remove","path":"/b/0"}]"#
        );
    }

    #[test]
    fn an_empty_patch_is_an_empty_list() {
        assert!(Patch::default().is_empty());
        assert_eq!(Patch::default().into_json(), "[]");
    }

    proptest! {
        #[test]
        fn an_escaped_token_names_exactly_its_member(key in ".*", other in ".*") {
            let mut patch = Patch::default();
            patch.add_member("", &key, &1);
            let mut document = json!({ other.as_str(): 0 });
            json_patch::patch(&mut document, &patch.to_json_patch()).unwrap();
            prop_assert_eq!(&document[&key], &Value::from(1));
            if key != other {
                prop_assert_eq!(&document[&other], &Value::from(0));
            }
        }
    }
}
