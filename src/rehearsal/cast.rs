//! Who plays: the controllers and services that a set of objects describes.

mod controller;
mod names;
mod plan;
mod service;

use oncue_language::{Namespace, name::NamespaceError};
use serde_json::Value;
use thiserror::Error;

pub(crate) use self::{
    controller::Controller,
    names::uid,
    plan::{Attempt, AttemptState, JobEnd, Plan},
    service::{Host, Service},
};
use crate::workload::{self, Workload};

/// Everything of a set of objects that matters to a rehearsal.
#[derive(Debug, Default)]
pub(crate) struct Cast {
    /// What creates pods; a pod of its own is a controller of one.
    pub(crate) controllers: Vec<Controller>,
    /// What probes may ask for.
    pub(crate) services: Vec<Service>,
}

impl Cast {
    /// Reads the objects, each with the name of its file, which live in `default` where they do not
    /// say; kinds that matter to nobody are passed over.
    pub(crate) fn new<'a>(
        objects: impl IntoIterator<Item = (&'a str, &'a Value)>,
        default: &Namespace,
    ) -> Result<Self, CastError> {
        let mut cast = Self::default();
        for (file, document) in objects {
            for (_, object) in workload::objects(document) {
                cast.add(file, object, default)
                    .map_err(|source| CastError::new(object, source))?;
            }
        }
        Ok(cast)
    }

    fn add(
        &mut self,
        file: &str,
        object: &Value,
        default: &Namespace,
    ) -> Result<(), CastErrorSource> {
        if object["kind"] == "Service" && object["apiVersion"] == "v1" {
            self.services.push(Service::new(object, default)?);
        }
        if let Some(workload) = Workload::new(object, String::new()) {
            self.controllers
                .extend(Controller::new(&workload, file, default)?);
        }
        Ok(())
    }
}

/// Returns the namespace an object lives in.
fn namespace(object: &Value, default: &Namespace) -> Result<Namespace, NamespaceError> {
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => namespace.parse(),
        None => Ok(default.clone()),
    }
}

/// An object that cannot be played.
#[derive(Debug, Error)]
#[error("failed to read {kind} {name}")]
pub(crate) struct CastError {
    kind: String,
    name: String,
    #[source]
    source: CastErrorSource,
}

impl CastError {
    fn new(object: &Value, source: CastErrorSource) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        Self {
            kind: text(&object["kind"]),
            name: text(&object["metadata"]["name"]),
            source,
        }
    }
}

/// Why an object cannot be played.
#[derive(Debug, Error)]
pub(crate) enum CastErrorSource {
    /// The namespace is not one.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// It has neither a name nor a `generateName`.
    #[error("metadata.name is missing")]
    Nameless,
    /// A field of its `spec` has another type than Kubernetes gives it.
    #[error("spec: {0}")]
    Spec(#[from] serde_json::Error),
}
