//! A Service: the names it answers to, and the pods behind it.

use std::collections::BTreeMap;

use oncue_language::Namespace;
use serde::Deserialize;
use serde_json::Value;

use crate::inventory::{InventoryErrorSource, namespace};

/// What the name of a Service in full ends with.
const CLUSTER_DOMAIN: &str = ".svc.cluster.local";
/// The same, to be completed by the search path.
const SERVICE_DOMAIN: &str = ".svc";

/// A Service of the files.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) namespace: Namespace,
    pub(crate) name: String,
    selector: BTreeMap<String, String>,
    ports: Vec<u16>,
}

/// What a host name asks of a Service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Host<'a> {
    /// The Service itself.
    Any,
    /// One pod behind it, by its host name.
    Pod(&'a str),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    selector: BTreeMap<String, String>,
    ports: Vec<Port>,
}

#[derive(Deserialize)]
struct Port {
    port: u16,
}

impl Service {
    /// Reads the object; without a namespace it lives in `default`.
    pub(crate) fn new(object: &Value, default: &Namespace) -> Result<Self, InventoryErrorSource> {
        let spec = match &object["spec"] {
            Value::Null => Spec::default(),
            spec => Spec::deserialize(spec)?,
        };
        let name = object["metadata"]["name"].as_str();
        Ok(Self {
            namespace: namespace(object, default)?,
            name: name.ok_or(InventoryErrorSource::Nameless)?.to_owned(),
            selector: spec.selector,
            ports: spec.ports.into_iter().map(|port| port.port).collect(),
        })
    }

    /// Returns whether it listens on `port`; a Service without ports listens on all.
    pub(crate) fn listens_on(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    /// Returns whether it selects a pod with these labels in its namespace.
    pub(crate) fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let matches = |(key, value): (&String, &String)| label(key) == Some(value.as_str());
        !self.selector.is_empty() && self.selector.iter().all(matches)
    }

    /// Returns one label that it asks for.
    pub(crate) fn first_label(&self) -> Option<(&str, &str)> {
        let (key, value) = self.selector.first_key_value()?;
        Some((key, value))
    }
}

impl<'a> Host<'a> {
    /// Returns what `host` may mean to cluster DNS: the name of a Service, its namespace if that is
    /// said, and which of its pods. The search path of the pod's own namespace comes first.
    pub(crate) fn candidates(
        host: &'a str,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>, Self)> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let in_full = host
            .strip_suffix(CLUSTER_DOMAIN)
            .or_else(|| host.strip_suffix(SERVICE_DOMAIN))
            .filter(|name| name.contains('.'));
        let labels: Vec<_> = in_full.unwrap_or(host).split('.').collect();
        let candidates: [_; 2] = match (&*labels, in_full) {
            (&[service], None) => [Some((service, None, Host::Any)), None],
            (&[first, second], None) => [
                Some((second, None, Host::Pod(first))),
                Some((first, Some(second), Host::Any)),
            ],
            (&[service, namespace], Some(_)) => [Some((service, Some(namespace), Host::Any)), None],
            (&[pod, service, namespace], _) => {
                [Some((service, Some(namespace), Host::Pod(pod))), None]
            }
            _ => [None, None],
        };
        candidates.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_service() -> Service {
        Service::new(
            &json!({
                "kind": "Service",
                "metadata": {"name": "db", "namespace": "shop"},
                "spec": {"selector": {"app": "db", "tier": "data"}, "ports": [{"port": 5432}]},
            }),
            &Namespace::default(),
        )
        .unwrap()
    }

    #[test]
    fn cluster_dns_gives_a_service_and_its_pods_names() {
        for (host, expected) in [
            ("db", [Some("db . Any"), None]),
            ("db.shop", [Some("shop . Pod(\"db\")"), Some("db shop Any")]),
            ("db.shop.svc", [Some("db shop Any"), None]),
            ("db.shop.svc.cluster.local.", [Some("db shop Any"), None]),
            ("db-0.db.shop.svc", [Some("db shop Pod(\"db-0\")"), None]),
            ("db-0.db.shop", [Some("db shop Pod(\"db-0\")"), None]),
            ("db.svc", [Some("svc . Pod(\"db\")"), Some("db svc Any")]),
            ("db.shop.example.com", [None, None]),
        ] {
            let shown = Host::candidates(host).map(|(service, namespace, host)| {
                format!("{service} {} {host:?}", namespace.unwrap_or("."))
            });
            let expected: Vec<_> = expected.into_iter().flatten().collect();
            assert_eq!(shown.collect::<Vec<_>>(), expected, "{host}");
        }
    }

    #[test]
    fn selects_pods_by_all_labels_of_its_selector() {
        let with = |labels: &'static [(&str, &str)]| {
            let label = |key: &str| labels.iter().find(|l| l.0 == key).map(|l| l.1);
            mk_service().selects(label)
        };
        assert!(with(&[("app", "db"), ("tier", "data"), ("more", "x")]));
        assert!(!with(&[("app", "db")]));
    }

    #[test]
    fn without_a_selector_it_selects_no_pod() {
        let object = json!({"metadata": {"name": "outside"}, "spec": {"type": "ExternalName"}});
        let service = Service::new(&object, &Namespace::default()).unwrap();
        assert!(!service.selects(|_| Some("db")));
        assert!(service.listens_on(1) && !mk_service().listens_on(1));
    }
}
