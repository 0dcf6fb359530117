//! The controllers and Services that a set of objects describes.

use std::collections::HashMap;

use oncue_core::{
    model::Service,
    workload::{self, Workload},
};
use oncue_language::{Namespace, ObjectKind, name::NamespaceError};
use serde_json::{Value, json};
use thiserror::Error;

use crate::controller::Controller;

/// The objects of a set of manifests that a simulation knows.
#[derive(Debug, Default)]
pub struct Inventory {
    /// What creates pods; a pod of its own is a controller of one.
    pub(crate) controllers: Vec<Controller>,
    /// What probes may ask for.
    pub(crate) services: Vec<Service>,
    /// The objects of built-in kinds that create no pods, as the API server has them.
    objects: HashMap<(ObjectKind, Namespace, String), Value>,
}

impl Inventory {
    /// Reads the objects, each with the name of its file; an object without a namespace lives in
    /// `default`. Other kinds are skipped.
    ///
    /// # Errors
    /// [`InventoryError`] for the first object that cannot be read.
    pub fn new<'a>(
        objects: impl IntoIterator<Item = (&'a str, &'a Value)>,
        default: &Namespace,
    ) -> Result<Self, InventoryError> {
        let mut inventory = Self::default();
        for (file, document) in objects {
            for (_, object) in workload::objects(document) {
                inventory
                    .add(file, object, default)
                    .map_err(|source| InventoryError::new(object, source))?;
            }
        }
        Ok(inventory)
    }

    /// Returns whether no object creates pods.
    pub fn is_empty(&self) -> bool {
        self.controllers.is_empty()
    }

    /// Returns an object of a built-in kind that creates no pods.
    pub(crate) fn object(
        &self,
        kind: &ObjectKind,
        namespace: &Namespace,
        name: &str,
    ) -> Option<&Value> {
        let key = (kind.clone(), namespace.clone(), name.to_owned());
        self.objects.get(&key)
    }

    fn add_object(
        &mut self,
        object: &Value,
        default: &Namespace,
    ) -> Result<(), InventoryErrorSource> {
        let (Some(kind), Some(name)) = (kind(object), object["metadata"]["name"].as_str()) else {
            return Ok(());
        };
        let namespace = namespace(object, default)?;
        let mut kept = json!({"metadata": object["metadata"]});
        kept["metadata"]["namespace"] = namespace.as_str().into();
        // No term reads more of a Secret.
        if kind != ObjectKind::Secret {
            let parts = object.as_object().into_iter().flatten();
            let parts = parts.filter(|(part, _)| !["metadata", "status"].contains(&part.as_str()));
            parts.for_each(|(part, value)| kept[part] = value.clone());
        }
        self.objects
            .insert((kind, namespace, name.to_owned()), kept);
        Ok(())
    }

    fn add(
        &mut self,
        file: &str,
        object: &Value,
        default: &Namespace,
    ) -> Result<(), InventoryErrorSource> {
        self.services.extend(Service::read(object, default));
        self.add_object(object, default)?;
        if let Some(workload) = Workload::new(object, String::new()) {
            self.controllers
                .extend(Controller::new(&workload, file, default)?);
        }
        Ok(())
    }
}

/// Returns the kind of an object that creates no pods, if terms can ask for it and the files bring
/// it.
fn kind(object: &Value) -> Option<ObjectKind> {
    match (object["apiVersion"].as_str()?, object["kind"].as_str()?) {
        ("v1", "ConfigMap") => Some(ObjectKind::ConfigMap),
        ("v1", "PersistentVolumeClaim") => Some(ObjectKind::PersistentVolumeClaim),
        ("v1", "Secret") => Some(ObjectKind::Secret),
        ("v1", "Service") => Some(ObjectKind::Service),
        _ => None,
    }
}

/// Returns the namespace that an object lives in.
pub(crate) fn namespace(object: &Value, default: &Namespace) -> Result<Namespace, NamespaceError> {
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => namespace.parse(),
        None => Ok(default.clone()),
    }
}

/// An object that cannot be simulated.
#[derive(Debug, Error)]
#[error("failed to read {kind} {name}")]
pub struct InventoryError {
    kind: String,
    name: String,
    #[source]
    source: InventoryErrorSource,
}

impl InventoryError {
    fn new(object: &Value, source: InventoryErrorSource) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        Self {
            kind: text(&object["kind"]),
            name: text(&object["metadata"]["name"]),
            source,
        }
    }
}

/// Why an object cannot be simulated.
#[derive(Debug, Error)]
pub enum InventoryErrorSource {
    /// The namespace is not a valid name.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// It has neither a name nor a `generateName`.
    #[error("metadata.name is missing")]
    Nameless,
}
