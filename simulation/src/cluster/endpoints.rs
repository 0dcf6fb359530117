//! Endpoints: which pods are behind a Service, and what a probe finds there.

use std::collections::{BTreeSet, HashMap};

use oncue_core::{
    assumption::Assumption,
    model::{Address, Backend, Host, Model, Service},
};
use oncue_language::{Namespace, ObjectKind, Probe, host::is_loopback};

use super::{Cluster, Pod, PodId};

/// The Services of the files with the pods behind them.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// The positions of the Services that ask for a label, by one label of each.
    by_label: HashMap<(Namespace, String, String), Vec<usize>>,
    by_name: HashMap<(Namespace, Box<str>), usize>,
    /// The ready pods behind each Service.
    ready: Vec<BTreeSet<PodId>>,
    /// All pods that each Service selects, ended ones too.
    selected: Vec<Vec<PodId>>,
    services: Vec<Service>,
    /// The same Services, by the host names that lead to them.
    hosts: Model,
}

impl Endpoints {
    pub(super) fn new(services: &[Service], backends: &[Backend]) -> Self {
        let mut endpoints = Self {
            by_label: HashMap::new(),
            by_name: HashMap::new(),
            ready: vec![BTreeSet::new(); services.len()],
            selected: vec![Vec::new(); services.len()],
            services: services.to_vec(),
            hosts: Model::default(),
        };
        for (index, service) in services.iter().enumerate() {
            let namespace = &service.namespace;
            let name = (namespace.clone(), service.name.clone());
            endpoints.by_name.insert(name, index);
            if let Some((key, value)) = service.selector.first() {
                let label = (namespace.clone(), key.to_string(), value.to_string());
                endpoints.by_label.entry(label).or_default().push(index);
            }
            endpoints.hosts.insert_service(service.clone());
        }
        for backend in backends {
            endpoints.hosts.insert_backend(backend.clone());
        }
        endpoints
    }

    /// Returns the positions of the Services that select a pod.
    pub(super) fn selecting(&self, pod: &Pod) -> Vec<usize> {
        let labels = &pod.object["metadata"]["labels"];
        let text = |key: &str| labels[key].as_str();
        let mut selecting: Vec<usize> = Vec::new();
        for (key, value) in labels.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            let label = (pod.namespace.clone(), key.clone(), value);
            let candidates = self.by_label.get(&label).into_iter().flatten();
            selecting.extend(
                candidates
                    .filter(|index| self.services[**index].selects(text))
                    .copied(),
            );
        }
        selecting
    }

    pub(super) fn set_ready(&mut self, service: usize, pod: PodId, is_ready: bool) {
        let ready = &mut self.ready[service];
        if is_ready {
            ready.insert(pod);
        } else {
            ready.remove(&pod);
        }
    }

    pub(super) fn insert(&mut self, pod: PodId, services: &[usize]) {
        for service in services {
            self.selected[*service].push(pod);
        }
    }

    /// Returns all pods that a Service selects, ended ones too.
    pub(super) fn selected(&self, service: usize) -> &[PodId] {
        &self.selected[service]
    }

    /// Returns whether someone has written endpoints of a Service by hand. Those of a Service with a
    /// selector are the business of its controller.
    pub(super) fn has_backend(&self, service: usize) -> bool {
        let service = &self.services[service];
        service.selector.is_empty() && !self.hosts.backends(service).is_empty()
    }

    fn backend_listens(&self, index: usize, port: u16) -> bool {
        let service = &self.services[index];
        let mut backends = self.hosts.backends(service).iter();
        // The ports of a Service with an address of its own lead to those of its endpoints.
        let listens = |it: &Backend| service.address == Address::Cluster || it.listens_on(port);
        self.has_backend(index) && backends.any(listens)
    }

    /// Returns the host that a Service is another name of.
    fn alias(&self, host: &str, from: &Namespace) -> Option<&str> {
        let (service, _) = self.hosts.resolve(host, from)?;
        match &service.address {
            Address::External(host) => Some(host),
            Address::Cluster | Address::Headless => None,
        }
    }

    /// Returns the position of the Service that `host` leads to for a pod in `from`, and what it
    /// means there.
    fn resolve<'a>(&self, host: &'a str, from: &'a Namespace) -> Option<(usize, Host<'a>)> {
        let (service, host) = self.hosts.resolve(host, from)?;
        let name = (service.namespace.clone(), service.name.clone());
        Some((*self.by_name.get(&name)?, host))
    }
}

impl Cluster {
    /// Makes a probe as seen from a pod. One that has held is remembered, as the client does.
    ///
    /// # Errors
    /// Why it does not hold, to be read after the term.
    pub fn probe(&mut self, from: PodId, probe: &Probe) -> Result<(), String> {
        let result = self.find_endpoint(from, probe);
        if result.is_ok() {
            self.latched.insert((from, probe.url()));
        }
        result
    }

    /// Returns whether a probe has held, or would hold now.
    pub(super) fn probe_holds(&self, from: PodId, probe: &Probe) -> bool {
        self.latched.contains(&(from, probe.url())) || self.find_endpoint(from, probe).is_ok()
    }

    /// Returns whether the host of a probe from a namespace is in the files or assumed.
    pub(super) fn is_known_host(&self, from: &Namespace, host: &str) -> bool {
        let host = self.unaliased(from, host);
        self.is_assumed_host(host)
            || is_loopback(host)
            || self.endpoints.resolve(host, from).is_some()
                && self.endpoints.alias(host, from).is_none()
    }

    /// Returns the host that is meant by a Service of the type `ExternalName`, or `host` itself.
    /// Such a name that leads to another one is not followed further.
    fn unaliased<'h>(&'h self, from: &Namespace, host: &'h str) -> &'h str {
        if self.is_assumed_host(host) {
            return host;
        }
        let alias = self.endpoints.alias(host, from);
        let is_known = |alias: &&str| {
            self.is_assumed_host(alias) || self.endpoints.resolve(alias, from).is_some()
        };
        alias.filter(is_known).unwrap_or(host)
    }

    fn is_assumed_host(&self, host: &str) -> bool {
        let mut assumptions = self.options.assumptions.iter();
        assumptions.any(|assumption| match assumption {
            Assumption::Host(assumed) => assumed == host,
            Assumption::Object(_) | Assumption::Variable(_) => false,
        })
    }

    /// Finds something that answers a probe.
    ///
    /// # Errors
    /// Why nothing does, to be read after the term.
    pub(crate) fn find_endpoint(&self, from: PodId, probe: &Probe) -> Result<(), String> {
        let pod = self.pod(from);
        let host = self.unaliased(&pod.namespace, &probe.host);
        if self.is_assumed_host(host) {
            return Ok(());
        }
        if is_loopback(host) {
            // Before its own containers start, only its sidecars can answer.
            return require(pod.has_sidecar(), || {
                "no sidecar has started before".to_owned()
            });
        }
        let Some((index, host)) = self.endpoints.resolve(host, &pod.namespace) else {
            return Err("no Service of these files has this name".to_owned());
        };
        let service = &self.endpoints.services[index];
        let name = (
            ObjectKind::Service,
            service.namespace.clone(),
            service.name.to_string(),
        );
        require(self.has_begun(self.schedule.stage_of_object(&name)), || {
            "the Service is not applied yet".to_owned()
        })?;
        require(service.listens_on(probe.port), || {
            format!("the Service has no port {}", probe.port)
        })?;
        let ready = &self.addresses(index);
        let named = |name| {
            let pod = self.find(&service.namespace, name);
            pod.filter(|pod| ready.contains(pod))
        };
        let mut ready: Vec<_> = match host {
            Host::Any => ready.iter().copied().collect(),
            Host::Pod(name) => named(name).into_iter().collect(),
        };
        if self.endpoints.backend_listens(index, probe.port) {
            return Ok(());
        }
        require(!ready.is_empty(), || "no pod behind it is ready".to_owned())?;
        ready.retain(|pod| service.reaches(probe.port, &self.pod(*pod).object["spec"]));
        require(!ready.is_empty(), || {
            format!("no pod behind it has the port {}", probe.port)
        })
    }

    /// Returns the pods that a Service leads to: those that are ready, or all whose containers run.
    fn addresses(&self, index: usize) -> BTreeSet<PodId> {
        let service = &self.endpoints.services[index];
        let object = self
            .inventory
            .object(&ObjectKind::Service, &service.namespace, &service.name);
        if object.is_none_or(|it| it["spec"]["publishNotReadyAddresses"] != true) {
            return self.endpoints.ready[index].clone();
        }
        let selected = self.endpoints.selected[index].iter();
        let runs = |id: &&PodId| {
            let pod = self.pod(**id);
            pod.has_address() && pod.times.started.is_some()
        };
        selected.filter(runs).copied().collect()
    }

    /// Returns why a probe of a Service of the files does not hold.
    pub(crate) fn probe_reason(&self, from: PodId, probe: &Probe) -> Option<String> {
        let is_known = self.is_known_host(&self.pod(from).namespace, &probe.host);
        self.find_endpoint(from, probe).err().filter(|_| is_known)
    }
}

fn require(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}
