//! The index of Services by host name.

use std::collections::HashMap;

use super::service::{Host, Service};
use crate::language::Namespace;

/// The domain of the names in a cluster, unless it is configured otherwise.
const CLUSTER_DOMAIN: &str = "cluster.local";

/// All Services, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct ServiceIndex {
    services: HashMap<(Namespace, Box<str>), Service>,
}

impl ServiceIndex {
    pub(super) fn insert(&mut self, service: Service) {
        let key = (service.namespace.clone(), service.name.clone());
        self.services.insert(key, service);
    }

    pub(super) fn remove(&mut self, name: &str, namespace: &Namespace) -> Option<Service> {
        self.services.remove(&(namespace.clone(), name.into()))
    }

    pub(super) fn get(&self, name: &str, namespace: &Namespace) -> Option<&Service> {
        self.services.get(&(namespace.clone(), name.into()))
    }

    /// Returns the Service that a pod in `from` reaches as `host`, with what it means there: the
    /// first that exists, in the order in which a pod's resolver tries its search domains.
    pub(super) fn resolve<'h>(
        &self,
        host: &'h str,
        from: &'h Namespace,
    ) -> Option<(&Service, Host<'h>)> {
        let mut addresses = addresses(host, from.as_str()).into_iter();
        addresses.find_map(
            |Address {
                 pod,
                 service,
                 namespace,
             }| {
                let namespace = namespace.to_ascii_lowercase().parse().ok()?;
                let service = self.get(&service.to_ascii_lowercase(), &namespace)?;
                Some((service, pod.map_or(Host::Any, Host::Pod)))
            },
        )
    }
}

/// What a host name can mean in a cluster.
#[derive(Clone, Copy)]
struct Address<'h> {
    pod: Option<&'h str>,
    service: &'h str,
    namespace: &'h str,
}

/// Returns what `host` can mean in a pod of the namespace `from`, in the order of the search
/// domains of its `/etc/resolv.conf`, and at last by itself.
fn addresses<'h>(host: &'h str, from: &'h str) -> Vec<Address<'h>> {
    let absolute = host.strip_suffix('.');
    let labels: Vec<_> = absolute.unwrap_or(host).split('.').collect();
    let mut meanings = Vec::new();
    if absolute.is_none() {
        meanings.extend(address(&[&labels[..], &[from]].concat()));
        meanings.extend(address(&labels));
        meanings.extend(without(&labels, &["svc"]).and_then(address));
    }
    let domain: Vec<_> = CLUSTER_DOMAIN.split('.').collect();
    let in_full = without(&labels, &domain).and_then(|labels| without(labels, &["svc"]));
    meanings.extend(in_full.and_then(address));
    meanings
}

/// Reads `SERVICE.NAMESPACE`, or `POD.SERVICE.NAMESPACE`.
fn address<'h>(labels: &[&'h str]) -> Option<Address<'h>> {
    let (pod, service, namespace) = match labels {
        [service, namespace] => (None, service, namespace),
        [pod, service, namespace] => (Some(*pod), service, namespace),
        _ => return None,
    };
    Some(Address {
        pod,
        service,
        namespace,
    })
}

/// Returns what comes before the labels `end`, if the name ends with them.
fn without<'a, 'h>(labels: &'a [&'h str], end: &[&str]) -> Option<&'a [&'h str]> {
    let (before, last) = labels.split_at_checked(labels.len().checked_sub(end.len())?)?;
    let is_same = |(ours, theirs): (&&str, &&str)| ours.eq_ignore_ascii_case(theirs);
    last.iter().zip(end).all(is_same).then_some(before)
}
