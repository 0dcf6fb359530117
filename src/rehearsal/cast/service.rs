//! A Service: the names it answers to, and the pods behind it.

use std::collections::BTreeMap;

use oncue_language::Namespace;
use serde::Deserialize;
use serde_json::Value;

use super::{CastErrorSource, namespace};

/// The domain of the cluster's own names, where it is written in full.
const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// A Service of the files.
#[derive(Debug)]
pub(crate) struct Service {
    /// Where it lives.
    pub(crate) namespace: Namespace,
    /// Its name.
    pub(crate) name: String,
    selector: BTreeMap<String, String>,
    ports: Vec<u16>,
}

/// What a host means to a Service.
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
    /// Reads the object, which lives in `default` where it does not say.
    pub(super) fn new(object: &Value, default: &Namespace) -> Result<Self, CastErrorSource> {
        let spec = match &object["spec"] {
            Value::Null => Spec::default(),
            spec => Spec::deserialize(spec)?,
        };
        let name = object["metadata"]["name"].as_str();
        Ok(Self {
            namespace: namespace(object, default)?,
            name: name.ok_or(CastErrorSource::Nameless)?.to_owned(),
            selector: spec.selector,
            ports: spec.ports.into_iter().map(|port| port.port).collect(),
        })
    }

    /// Returns what `host` asks of this Service when a pod in `from` resolves it, if it is one of
    /// its names: `web`, `web.shop`, `web.shop.svc`, each also with a pod's host name in front.
    pub(crate) fn resolve<'a>(&self, host: &'a str, from: &Namespace) -> Option<Host<'a>> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.is_named(host, from) {
            return Some(Host::Any);
        }
        let (pod, rest) = host.split_once('.')?;
        self.is_named(rest, from).then_some(Host::Pod(pod))
    }

    /// Returns whether it listens on `port`; one that names no ports listens on all.
    pub(crate) fn listens_on(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    /// Returns whether a pod with `labels` in its namespace stands behind it.
    pub(crate) fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let matches = |(key, value): (&String, &String)| label(key) == Some(value.as_str());
        !self.selector.is_empty() && self.selector.iter().all(matches)
    }

    fn is_named(&self, host: &str, from: &Namespace) -> bool {
        let Some(rest) = host.strip_prefix(&*self.name) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix('.') else {
            return rest.is_empty() && *from == self.namespace;
        };
        let Some(domain) = rest.strip_prefix(self.namespace.as_str()) else {
            return false;
        };
        matches!(domain, "" | ".svc") || domain.strip_prefix('.') == Some(CLUSTER_DOMAIN)
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
    fn answers_to_the_names_that_cluster_dns_gives_it() {
        let shop: Namespace = "shop".parse().unwrap();
        let other = Namespace::default();
        for (host, from, expected) in [
            ("db", &shop, Some(Host::Any)),
            ("db", &other, None),
            ("db.shop", &other, Some(Host::Any)),
            ("db.shop.svc", &other, Some(Host::Any)),
            ("db.shop.svc.cluster.local.", &other, Some(Host::Any)),
            ("db-0.db", &shop, Some(Host::Pod("db-0"))),
            ("db-0.db.shop.svc", &other, Some(Host::Pod("db-0"))),
            ("db-0.db", &other, None),
            ("db.shop.example.com", &other, None),
            ("db2", &shop, None),
            ("db.shopping", &other, None),
        ] {
            assert_eq!(mk_service().resolve(host, from), expected, "{host}");
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
    fn without_a_selector_it_selects_nobody() {
        let object = json!({"metadata": {"name": "outside"}, "spec": {"type": "ExternalName"}});
        let service = Service::new(&object, &Namespace::default()).unwrap();
        assert!(!service.selects(|_| Some("db")));
        assert!(service.listens_on(1) && !mk_service().listens_on(1));
    }
}
