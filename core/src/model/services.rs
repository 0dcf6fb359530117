//! The index of Services by host name.

use std::collections::HashMap;

use super::service::{Host, Service};
use crate::language::{
    Namespace,
    host::{ServiceHost, service_hosts},
};

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

    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// Returns the Service that a pod in `from` reaches as `host`, with what it means there: the
    /// first that exists, in the order in which a pod's resolver tries its search domains.
    pub(super) fn resolve<'h>(
        &self,
        host: &'h str,
        from: &'h Namespace,
    ) -> Option<(&Service, Host<'h>)> {
        service_hosts(host, from).into_iter().find_map(|meaning| {
            let ServiceHost {
                pod,
                service,
                namespace,
            } = meaning;
            let namespace = namespace.to_ascii_lowercase().parse().ok()?;
            let service = self.get(&service.to_ascii_lowercase(), &namespace)?;
            Some((service, pod.map_or(Host::Any, Host::Pod)))
        })
    }
}
