//! The objects that terms ask for, besides pods: an installer applies them in its order too.

use std::collections::HashMap;

use serde_json::Value;

use super::{Ordered, Waits};
use crate::{
    language::{NameTemplate, Namespace, ObjectKind, Presence, Target},
    lint::Modelled,
    model::{Link, Via},
    order::{self, flux::FluxOrder, kapp::ChangeOrder},
    workload::text,
};

/// The orders that a set of objects asks for, and the objects without pods by their names.
#[derive(Debug)]
pub(in crate::lint) struct Orders<'m> {
    pub(super) kapp: ChangeOrder<'m>,
    pub(super) flux: FluxOrder<'m>,
    by_name: HashMap<&'m str, Vec<&'m Value>>,
    /// Whether any object has a place in an order. Otherwise, no wait needs to be compared with each
    /// of its producers.
    pub(super) is_used: bool,
}

impl<'m> Orders<'m> {
    pub(in crate::lint) fn new(modelled: &Modelled<'m>) -> Self {
        let origins = modelled.origins.values().map(|it| it.workload.object());
        let all = || modelled.others.iter().copied().chain(origins.clone());
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for object in modelled.others.iter().copied() {
            if let Some(name) = text(object, "/metadata/name") {
                by_name.entry(name).or_default().push(object);
            }
        }
        Self {
            kapp: ChangeOrder::new(all()),
            flux: FluxOrder::new(all()),
            by_name,
            is_used: all().any(order::is_placed),
        }
    }
}

impl<'m> Waits<'m> {
    /// Returns the object without pods that must be there for a term to hold: the one that it asks
    /// for, or the Service that its probe asks.
    pub(super) fn awaited_object(&self, link: &Link) -> Option<Ordered<'m>> {
        let term = &self.links.term(link).value;
        if term.presence != Presence::Required {
            return None;
        }
        let own = &self.links.model().member(link.consumer).namespace;
        match &term.target {
            Target::Object(object) => {
                let name = object.which.name().and_then(NameTemplate::literal)?;
                self.find_object(&object.kind, &object.namespace_in(own)?, name)
            }
            Target::Probe(probe) => {
                let (service, _) = self.links.model().resolve(&probe.host, own)?;
                self.find_object(&ObjectKind::Service, &service.namespace, &service.name)
            }
            Target::Below { .. } | Target::Variable { .. } => None,
        }
    }

    fn find_object(
        &self,
        kind: &ObjectKind,
        namespace: &Namespace,
        name: &str,
    ) -> Option<Ordered<'m>> {
        let named = self.orders().by_name.get(name)?;
        let object = named.iter().copied().find(|object| {
            let own = text(object, "/metadata/namespace");
            let is_there = own.unwrap_or(self.namespace().as_str()) == namespace.as_str();
            is_there && is_of(object, kind)
        })?;
        Some(Ordered {
            object,
            title: format!("{}/{name}", text(object, "/kind").unwrap_or_default()),
            via: Via::Object,
        })
    }
}

/// Returns whether an object is of a kind that terms name.
fn is_of(object: &Value, kind: &ObjectKind) -> bool {
    let (Some(version), Some(name)) = (text(object, "/apiVersion"), text(object, "/kind")) else {
        return false;
    };
    let group = version.split_once('/').map_or("", |(group, _)| group);
    match kind {
        ObjectKind::Other(resource) => {
            resource.group() == group && is_plural(resource.plural(), &name.to_ascii_lowercase())
        }
        _ => group.is_empty() && name.to_ascii_lowercase() == kind.to_string(),
    }
}

/// Returns whether an English plural is that of a kind, as the names of resources are.
fn is_plural(plural: &str, kind: &str) -> bool {
    let ies = kind.strip_suffix('y').map(|stem| format!("{stem}ies"));
    [format!("{kind}s"), format!("{kind}es"), kind.to_owned()]
        .into_iter()
        .chain(ies)
        .any(|it| it == plural)
}
