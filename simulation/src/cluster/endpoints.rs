//! Endpoints: which pods are behind a Service, and what a probe finds there.

use std::collections::{BTreeSet, HashMap};

use oncue_language::{Namespace, Probe, host::is_loopback};

use super::{Cluster, Pod, PodId};
use crate::{
    options::Assumption,
    service::{Host, Service},
};

/// The Services of the files with the pods behind them.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// The positions of the Services that ask for a label, by one label of each.
    by_label: HashMap<(Namespace, String, String), Vec<usize>>,
    by_name: HashMap<(Namespace, String), usize>,
    /// One for each Service.
    behind: Vec<Behind>,
    services: Vec<Service>,
}

/// The pods behind one Service.
#[derive(Clone, Debug, Default)]
struct Behind {
    pods: Vec<PodId>,
    ready: BTreeSet<PodId>,
}

impl Endpoints {
    pub(super) fn new(services: &[Service]) -> Self {
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        let mut by_name = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            let name = (service.namespace.clone(), service.name.clone());
            by_name.entry(name).or_insert(index);
            if let Some((key, value)) = service.first_label() {
                let label = (service.namespace.clone(), key.to_owned(), value.to_owned());
                by_label.entry(label).or_default().push(index);
            }
        }
        Self {
            by_label,
            by_name,
            behind: vec![Behind::default(); services.len()],
            services: services.to_vec(),
        }
    }

    /// Adds a pod to the Services that select it, and returns their positions.
    pub(super) fn join(&mut self, id: PodId, pod: &Pod) -> Vec<usize> {
        let labels = &pod.object["metadata"]["labels"];
        let text = |key: &str| labels[key].as_str();
        let mut joined: Vec<usize> = Vec::new();
        for (key, value) in labels.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            let label = (pod.namespace.clone(), key.clone(), value);
            let candidates = self.by_label.get(&label).into_iter().flatten();
            joined.extend(
                candidates
                    .filter(|index| self.services[**index].selects(text))
                    .copied(),
            );
        }
        for index in &joined {
            self.behind[*index].pods.push(id);
        }
        joined
    }

    pub(super) fn set_ready(&mut self, service: usize, pod: PodId, is_ready: bool) {
        let ready = &mut self.behind[service].ready;
        if is_ready {
            ready.insert(pod);
        } else {
            ready.remove(&pod);
        }
    }

    pub(super) fn has_ready(&self, service: usize) -> bool {
        !self.behind[service].ready.is_empty()
    }

    /// Returns the Service of this name.
    fn named(&self, namespace: &Namespace, name: &str) -> Option<usize> {
        let key = (namespace.clone(), name.to_owned());
        self.by_name.get(&key).copied()
    }

    /// Returns the Service that `host` names for a pod in `from`, and what it asks of it.
    fn resolve<'a>(&self, host: &'a str, from: &Namespace) -> Option<(usize, Host<'a>)> {
        Host::candidates(host).find_map(|(service, namespace, host)| {
            let namespace = match namespace {
                Some(namespace) => &namespace.parse().ok()?,
                None => from,
            };
            Some((self.named(namespace, service)?, host))
        })
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

    /// Returns the pods behind the Service that a probe asks.
    pub(crate) fn pods_behind_host(&self, from: &Namespace, host: &str) -> &[PodId] {
        match self.endpoints.resolve(host, from) {
            Some((service, _)) => &self.endpoints.behind[service].pods,
            None => &[],
        }
    }

    /// Returns the pods behind a Service.
    pub(crate) fn pods_behind(&self, namespace: &Namespace, service: &str) -> &[PodId] {
        match self.endpoints.named(namespace, service) {
            Some(service) => &self.endpoints.behind[service].pods,
            None => &[],
        }
    }

    /// Returns whether the host of a probe from a namespace is in the files or assumed.
    pub(super) fn is_known_host(&self, from: &Namespace, host: &str) -> bool {
        self.is_assumed_host(host)
            || is_loopback(host)
            || self.endpoints.resolve(host, from).is_some()
    }

    fn is_assumed_host(&self, host: &str) -> bool {
        let mut assumptions = self.options.assumptions.iter();
        assumptions.any(|assumption| match assumption {
            Assumption::Host(assumed) => assumed == host,
            Assumption::Object { .. } => false,
        })
    }

    fn find_endpoint(&self, from: PodId, probe: &Probe) -> Result<(), String> {
        if self.is_assumed_host(&probe.host) {
            return Ok(());
        }
        let pod = self.pod(from);
        if is_loopback(&probe.host) {
            // Before its own containers start, only its sidecars can answer.
            return require(pod.has_sidecar(), || {
                "no sidecar has started before".to_owned()
            });
        }
        let Some((index, host)) = self.endpoints.resolve(&probe.host, &pod.namespace) else {
            return Err("no Service of these files has this name".to_owned());
        };
        let service = &self.endpoints.services[index];
        require(service.listens_on(probe.port), || {
            format!("the Service has no port {}", probe.port)
        })?;
        let ready = &self.endpoints.behind[index].ready;
        let has_endpoint = match host {
            Host::Any => !ready.is_empty(),
            Host::Pod(name) => self
                .find(&service.namespace, name)
                .is_some_and(|pod| ready.contains(&pod)),
        };
        require(has_endpoint, || "no pod behind it is ready".to_owned())
    }
}

fn require(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}
