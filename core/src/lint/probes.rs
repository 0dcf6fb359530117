//! Probes of Services: names that are nearly right, and ports that are not there.

use std::collections::BTreeSet;

use super::{
    Code, Severity,
    waits::{Said, Waits},
};
use crate::{
    assumption::Assumption,
    language::{Namespace, Probe, Target, Which, host::service_of},
    model::{Address, Host, Link, Service},
};

impl Waits<'_> {
    /// Warns about a probe that no Service of the files answers, although one nearly does.
    pub(super) fn probe(&self, link: &Link) -> Option<Said> {
        let Target::Probe(probe) = &self.links.term(link).value.target else {
            return None;
        };
        let assumed = Assumption::Host(probe.host.to_string());
        if self.assumptions().contains(&assumed) {
            return None;
        }
        let own = &self.links.model().member(link.consumer).namespace;
        let Some((service, host)) = self.links.model().resolve(&probe.host, own) else {
            return self.near_host(probe, own);
        };
        let message = self
            .wrong_port(service, probe)
            .or_else(|| self.no_such_pod(link, service, host))?;
        Some((Severity::Warning, Code::NeverHolds, message))
    }

    fn near_host(&self, probe: &Probe, own: &Namespace) -> Option<Said> {
        let key = service_of(&probe.host, own)?;
        let Which::Named(name) = &key.which else {
            return None;
        };
        let namespace = key.namespace.as_ref()?;
        let url = |service: &Service| {
            let Service {
                namespace, name, ..
            } = service;
            let host = if namespace == own {
                name.to_string()
            } else {
                format!("{name}.{namespace}")
            };
            format!("{}://{host}:{}", probe.scheme.as_str(), probe.port)
        };
        let near = self.near_service(name, namespace).map(url)?;
        let message = format!(
            "there is no service {name} in the namespace {namespace} in these files: did you mean \
             {near}?"
        );
        Some((Severity::Warning, Code::UnknownObject, message))
    }

    fn wrong_port(&self, service: &Service, probe: &Probe) -> Option<String> {
        let Service { name, .. } = service;
        let port = probe.port;
        if !service.listens_on(port) {
            let ports: BTreeSet<_> = service.ports.iter().map(|it| it.port).collect();
            return Some(if ports.is_empty() {
                format!("the service {name} has no TCP port")
            } else {
                format!(
                    "the service {name} has no port {port}: it has {}",
                    listed(&ports)
                )
            });
        }
        let behind = self.links.model().behind(service);
        let specs = || {
            let origins = behind.iter().filter_map(|id| self.modelled.origins.get(id));
            origins.filter_map(|origin| origin.workload.template().get("spec"))
        };
        if specs().next().is_none() || specs().any(|spec| service.reaches(port, spec)) {
            return None;
        }
        Some(match service.address {
            Address::Headless => {
                let declared = specs().flat_map(|spec| service.declared(spec)).collect();
                format!(
                    "the service {name} is headless, so its pods are asked for port {port} \
                     themselves: they have {}",
                    listed(&declared)
                )
            }
            Address::Cluster | Address::External(_) => format!(
                "port {port} of the service {name} leads to a port whose name no container has"
            ),
        })
    }
}

impl Waits<'_> {
    /// Reports a host name that none of the pods behind a Service has.
    fn no_such_pod(&self, link: &Link, service: &Service, host: Host<'_>) -> Option<String> {
        let Host::Pod(pod) = host else {
            return None;
        };
        let is_known = !self.links.model().behind(service).is_empty();
        let has_none = self.links.producers(link).is_empty();
        (is_known && has_none).then(|| {
            format!(
                "no pod behind the service {} has the host name {pod}",
                service.name
            )
        })
    }
}

fn listed(ports: &BTreeSet<u16>) -> String {
    let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
    ports.join(", ")
}
