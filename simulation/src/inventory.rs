//! The controllers and Services that a set of objects describes.

mod unplayed;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oncue_core::{
    model::{Backend, Service},
    order::Installer,
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
    /// Endpoints of Services without a selector.
    pub(crate) backends: Vec<Backend>,
    /// The objects of built-in kinds that create no pods, as the API server has them.
    objects: HashMap<ObjectName, Value>,
    /// How many objects there are of each kind that is not built in and has no pod template.
    skipped: BTreeMap<String, usize>,
    /// What is not played of other objects.
    unplayed: BTreeSet<String>,
}

/// The address of an object of a built-in kind that creates no pods.
pub(crate) type ObjectName = (ObjectKind, Namespace, String);

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

    /// Returns whether it has such an object.
    pub(crate) fn has_object(&self, name: &ObjectName) -> bool {
        self.objects.contains_key(name)
    }

    /// Returns the objects of built-in kinds that create no pods.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&ObjectName, &Value)> {
        self.objects.iter()
    }

    /// Adds a controller once more, for an installer that applies it again; returns its position.
    pub(crate) fn apply_again(&mut self, index: usize) -> usize {
        let again = self.controllers[index].again();
        self.controllers.push(again);
        self.controllers.len() - 1
    }

    /// The order of this installer is played. Argo CD plays that of Helm's hooks, too.
    pub(crate) fn is_ordered_by(&mut self, installer: Installer) {
        for (key, what) in ORDERS {
            if key.starts_with("helm") || installer == Installer::Argo && key.starts_with("argocd")
            {
                self.unplayed.remove(what);
            }
        }
    }

    /// The installer never applies this controller, such as a hook for tests.
    pub(crate) fn is_never_applied(&mut self, index: usize) {
        let title = self.controllers[index].title();
        self.unplayed
            .insert(format!("{title}, which the installer does not apply here"));
    }

    /// Returns what is not played: objects of kinds that are not built in and have no pod template,
    /// suspended ones, and the order of installers.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = String> {
        let skipped = self.skipped.iter();
        let skipped =
            skipped.map(|(kind, number)| format!("{number} {kind}, which has no pod template"));
        skipped.chain(self.unplayed.iter().cloned())
    }

    fn add_unplayed(&mut self, object: &Value) {
        let annotations = object["metadata"]["annotations"].as_object();
        for (key, _) in annotations.into_iter().flatten() {
            let order = ORDERS.iter().find(|(begin, _)| key.starts_with(begin));
            self.unplayed
                .extend(order.map(|(_, what)| (*what).to_owned()));
        }
        self.unplayed
            .extend(unplayed::parts(object).map(str::to_owned));
        if object["spec"]["suspend"] == true
            && let (Some(kind), Some(name)) =
                (object["kind"].as_str(), object["metadata"]["name"].as_str())
        {
            self.unplayed
                .insert(format!("{kind}/{name}, which is suspended"));
        }
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
        self.backends.extend(Backend::read(object, default));
        self.add_unplayed(object);
        self.add_object(object, default)?;
        let workloads = Workload::all(object, "");
        if workloads.is_empty() && !is_built_in(object) {
            let kind = object["kind"].as_str().unwrap_or("object without a kind");
            *self.skipped.entry(kind.to_owned()).or_default() += 1;
        }
        for workload in workloads {
            self.controllers
                .extend(Controller::new(&workload, file, default)?);
        }
        Ok(())
    }
}

/// What the annotations of an object begin with that put it into an order.
const ORDERS: [(&str, &str); 4] = [
    (
        "argocd.argoproj.io/hook",
        "the order of Argo CD's hooks and sync waves",
    ),
    (
        "argocd.argoproj.io/sync-wave",
        "the order of Argo CD's hooks and sync waves",
    ),
    ("helm.sh/hook", "the order of Helm's hooks"),
    ("kapp.k14s.io/change-", "the order of kapp's change rules"),
];

/// Returns whether an object is of an API of Kubernetes itself, or of oncue's.
fn is_built_in(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || group == "oncue.dev" || group.ends_with(".k8s.io")
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
