//! A Service: its ports, the host names that lead to it, and the pods behind it.

use std::collections::BTreeSet;

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
    /// Its TCP ports.
    pub ports: Vec<ServicePort>,
    /// Whether it names no port of any protocol: then it is taken to have all.
    pub has_all_ports: bool,
    /// What its name leads to.
    pub address: Address,
}

/// One port of a Service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServicePort {
    /// The port at the address of the Service.
    pub port: u16,
    /// The port of the pods.
    pub target: TargetPort,
}

/// The port of a pod that a Service forwards to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TargetPort {
    /// The port of a container with this name.
    Named(Box<str>),
    /// This port.
    Number(u16),
}

/// What the name of a Service leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// An address of its own, which forwards its ports.
    Cluster,
    /// Another host.
    External(Box<str>),
    /// The addresses of the pods themselves, at whose ports it does not matter what it declares.
    Headless,
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
            has_all_ports: list(object.pointer("/spec/ports")).next().is_none(),
            address: address(object),
        })
    }

    /// Returns whether its address has a TCP port. Pods have their own.
    pub fn listens_on(&self, port: u16) -> bool {
        self.address != Address::Cluster
            || self.has_all_ports
            || self.ports.iter().any(|it| it.port == port)
    }

    /// Returns whether a connection to `port` of the Service reaches a port of a pod with this
    /// `spec`. A pod that declares no ports is taken to listen on all.
    pub fn reaches(&self, port: u16, spec: &Value) -> bool {
        match self.address {
            Address::Cluster => {
                let mut ports = self.ports.iter().filter(|it| it.port == port);
                self.has_all_ports || ports.any(|it| it.target.number(spec).is_some())
            }
            Address::External(_) => false,
            Address::Headless => {
                let declared = self.declared(spec);
                declared.is_empty() || declared.contains(&port)
            }
        }
    }

    /// Returns the ports that it and a pod with this `spec` declare for the pod.
    pub fn declared(&self, spec: &Value) -> BTreeSet<u16> {
        let targets = self.ports.iter().filter_map(|it| it.target.number(spec));
        targets
            .chain(container_ports(spec).map(|(_, port)| port))
            .collect()
    }

    /// Returns whether it selects a pod with these labels in its namespace.
    pub fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let has = |(key, value): &(Box<str>, Box<str>)| label(key) == Some(&**value);
        !self.selector.is_empty() && self.selector.iter().all(has)
    }
}

impl TargetPort {
    /// Returns its number in a pod with this `spec`, if that has such a port.
    fn number(&self, spec: &Value) -> Option<u16> {
        match self {
            Self::Named(name) => {
                let mut ports = container_ports(spec);
                ports
                    .find(|(named, _)| *named == Some(name))
                    .map(|(_, port)| port)
            }
            Self::Number(number) => Some(*number),
        }
    }
}

/// Returns the TCP ports of the containers that run beside each other, with their names.
fn container_ports(spec: &Value) -> impl Iterator<Item = (Option<&str>, u16)> {
    let sidecars = list(spec.get("initContainers"))
        .filter(|container| text(container, "/restartPolicy") == Some("Always"));
    let containers = list(spec.get("containers")).chain(sidecars);
    let ports = containers.flat_map(|container| list(container.get("ports")));
    ports.filter(|port| is_tcp(port)).filter_map(|port| {
        let number = port.get("containerPort")?.as_u64()?.try_into().ok()?;
        Some((text(port, "/name"), number))
    })
}

/// Returns the items of a list; none if it is missing.
pub(super) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn is_tcp(port: &Value) -> bool {
    text(port, "/protocol").is_none_or(|protocol| protocol == "TCP")
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

fn address(object: &Value) -> Address {
    match text(object, "/spec/type") {
        Some("ExternalName") => {
            let host = text(object, "/spec/externalName").unwrap_or_default();
            Address::External(host.into())
        }
        _ if text(object, "/spec/clusterIP") == Some("None") => Address::Headless,
        _ => Address::Cluster,
    }
}

fn ports(object: &Value) -> Vec<ServicePort> {
    let ports = list(object.pointer("/spec/ports")).filter(|port| is_tcp(port));
    ports.filter_map(service_port).collect()
}

fn service_port(object: &Value) -> Option<ServicePort> {
    let port = object.get("port")?.as_u64()?.try_into().ok()?;
    let target = match object.get("targetPort") {
        Some(Value::String(name)) => match name.parse() {
            Ok(number) => TargetPort::Number(number),
            Err(_) => TargetPort::Named(name.as_str().into()),
        },
        Some(Value::Number(number)) => TargetPort::Number(number.as_u64()?.try_into().ok()?),
        _ => TargetPort::Number(port),
    };
    Some(ServicePort { port, target })
}
