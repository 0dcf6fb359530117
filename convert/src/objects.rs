//! The other objects of the same files.

use std::collections::HashMap;

use serde_json::Value;

/// All objects of a set of files.
#[derive(Debug, Default)]
pub struct Objects<'a> {
    objects: Vec<&'a Value>,
    /// The first object of each kind, namespace and name.
    by_name: HashMap<ObjectName<'a>, &'a Value>,
}

/// The kind, the namespace and the name of an object. `None` is the namespace of objects that name
/// none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct ObjectName<'a> {
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Objects<'a> {
    /// Returns these objects; each is one object, not a `List`.
    pub fn new(objects: Vec<&'a Value>) -> Self {
        let mut by_name = HashMap::new();
        for object in objects.iter().copied() {
            if let (Some(kind), Some(name)) =
                (text(object, "/kind"), text(object, "/metadata/name"))
            {
                let namespace = namespace_of(object);
                let name = ObjectName {
                    kind,
                    namespace,
                    name,
                };
                by_name.entry(name).or_insert(object);
            }
        }
        Self { objects, by_name }
    }

    /// Returns the objects of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        let objects = self.objects.iter().copied();
        objects.filter(move |object| text(object, "/kind") == Some(kind))
    }

    /// Returns all objects.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().copied()
    }

    /// Returns the object of this kind and name in a namespace. `None` is the namespace of objects
    /// that name none.
    pub(crate) fn find(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&'a Value> {
        let name = ObjectName {
            kind,
            namespace,
            name,
        };
        self.by_name.get(&name).copied()
    }
}

/// Returns the namespace that an object names.
pub(crate) fn namespace_of(object: &Value) -> Option<&str> {
    text(object, "/metadata/namespace").filter(|namespace| !namespace.is_empty())
}

pub(crate) fn text<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    object.pointer(pointer).and_then(Value::as_str)
}

pub(crate) fn list<'v>(object: &'v Value, pointer: &str) -> &'v [Value] {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}
