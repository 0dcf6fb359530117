//! Endpoints that someone writes by hand, for a Service without a selector.

use serde_json::Value;

use super::service::list;
use crate::{language::Namespace, workload::text};

/// Addresses behind a Service that no selector finds: of an `Endpoints` object or an
/// `EndpointSlice`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Backend {
    /// The namespace of the Service.
    pub namespace: Namespace,
    /// The name of the Service.
    pub service: Box<str>,
    /// The ports at the addresses; without any, all.
    pub ports: Vec<u16>,
}

impl Backend {
    /// Reads `object` if it lists ready addresses. `default` is the namespace of an object that
    /// names none.
    pub fn read(object: &Value, default: &Namespace) -> Vec<Self> {
        let namespace = text(object, "/metadata/namespace").and_then(|own| own.parse().ok());
        let backend = |service: &str, ports: Option<&Value>| Self {
            namespace: namespace.clone().unwrap_or_else(|| default.clone()),
            service: service.into(),
            ports: numbers(ports),
        };
        match (text(object, "/apiVersion"), text(object, "/kind")) {
            (Some("v1"), Some("Endpoints")) => {
                let Some(name) = text(object, "/metadata/name") else {
                    return Vec::new();
                };
                let subsets = list(object.get("subsets"));
                let ready = subsets.filter(|it| list(it.get("addresses")).next().is_some());
                ready.map(|it| backend(name, it.get("ports"))).collect()
            }
            (Some(version), Some("EndpointSlice")) if version.starts_with("discovery.k8s.io/") => {
                let labels = object.pointer("/metadata/labels");
                let service = labels.and_then(|it| it.get("kubernetes.io/service-name")?.as_str());
                let is_ready = list(object.get("endpoints")).any(|endpoint| {
                    let ready = endpoint.pointer("/conditions/ready");
                    ready.is_none_or(|ready| ready.as_bool().unwrap_or(true))
                });
                let service = service.filter(|_| is_ready);
                service
                    .map(|it| backend(it, object.get("ports")))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether a connection to `port` of its Service arrives there.
    pub fn listens_on(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }
}

fn numbers(ports: Option<&Value>) -> Vec<u16> {
    let ports = list(ports);
    ports
        .filter_map(|port| port.get("port")?.as_u64()?.try_into().ok())
        .collect()
}
