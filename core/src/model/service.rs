//! A Service: its ports, the host names that lead to it, and the pods behind it.

use serde_json::Value;

use crate::{language::Namespace, workload::text};

/// A Service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: Box<str>,
    /// The labels of the pods behind it; without any, there are none.
    pub selector: Vec<(Box<str>, Box<str>)>,
    /// Its TCP ports; it listens on every port if it has none, or no address of its own.
    pub ports: Vec<u16>,
}

/// What a host name means to the Service that it leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Host<'h> {
    /// Any pod behind it.
    Any,
    /// One pod behind it, by its host name.
    Pod(&'h str),
}

impl Service {
    /// Reads `object` if it is a Service. `default` is the namespace of one that names none.
    pub fn read(object: &Value, default: &Namespace) -> Option<Self> {
        if text(object, "/kind") != Some("Service") || text(object, "/apiVersion") != Some("v1") {
            return None;
        }
        let namespace = text(object, "/metadata/namespace").and_then(|own| own.parse().ok());
        Some(Self {
            namespace: namespace.unwrap_or_else(|| default.clone()),
            name: text(object, "/metadata/name")?.into(),
            selector: selector(object),
            ports: ports(object),
        })
    }

    /// Returns whether it listens on a TCP port.
    pub fn listens_on(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    /// Returns whether it selects a pod with these labels in its namespace.
    pub fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let has = |(key, value): &(Box<str>, Box<str>)| label(key) == Some(&**value);
        !self.selector.is_empty() && self.selector.iter().all(has)
    }
}

/// Returns the labels that an object selects; none if one of them is not text, as nothing has it.
fn selector(object: &Value) -> Vec<(Box<str>, Box<str>)> {
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    let labels = selector.into_iter().flatten();
    let labels: Option<Vec<_>> = labels
        .map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    labels.unwrap_or_default()
}

fn ports(object: &Value) -> Vec<u16> {
    if text(object, "/spec/clusterIP") == Some("None") {
        return Vec::new();
    }
    let ports = object.pointer("/spec/ports").and_then(Value::as_array);
    let is_tcp = |port: &&Value| text(port, "/protocol").is_none_or(|protocol| protocol == "TCP");
    let ports = ports.into_iter().flatten().filter(is_tcp);
    ports
        .filter_map(|port| port.get("port")?.as_u64()?.try_into().ok())
        .collect()
}
