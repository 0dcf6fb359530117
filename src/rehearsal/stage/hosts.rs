//! What probes find: Services of the files, and what is assumed.

use oncue_language::Probe;

use super::{PodId, Stage, script::Step};
use crate::rehearsal::{
    cast::{Host, Service},
    directions::Assumption,
};

impl Stage {
    /// Makes a probe as seen from a pod; what has held once is remembered, as the client does.
    ///
    /// # Errors
    /// Why it does not hold, to be read after the term.
    pub(crate) fn probe(&mut self, from: PodId, probe: &Probe) -> Result<(), String> {
        let result = self.look(from, probe);
        match &result {
            Ok(()) => {
                self.latched.insert((from, probe.url()));
            }
            Err(_) if !self.is_known(from, probe) => {
                self.unknown.insert(probe.host.to_string());
            }
            Err(_) => {}
        }
        result
    }

    /// Returns whether a probe has held, or would hold now.
    pub(super) fn probe_holds(&self, from: PodId, probe: &Probe) -> bool {
        self.latched.contains(&(from, probe.url())) || self.look(from, probe).is_ok()
    }

    /// Returns the Service that a probe asks, with what it asks of it.
    pub(super) fn asked_service<'a>(
        &self,
        from: PodId,
        probe: &'a Probe,
    ) -> Option<(&Service, Host<'a>)> {
        let namespace = &self.pod(from).namespace;
        let mut services = self.cast.services.iter();
        services.find_map(|service| Some((service, service.resolve(&probe.host, namespace)?)))
    }

    fn is_known(&self, from: PodId, probe: &Probe) -> bool {
        is_loopback(&probe.host) || self.asked_service(from, probe).is_some()
    }

    fn look(&self, from: PodId, probe: &Probe) -> Result<(), String> {
        let is_assumed = |assumption: &Assumption| match assumption {
            Assumption::Host(host) => **host == *probe.host,
            Assumption::Object { .. } => false,
        };
        if self.directions.assumptions.iter().any(is_assumed) {
            return Ok(());
        }
        if is_loopback(&probe.host) {
            return self.look_at_sidecars(from);
        }
        let Some((service, host)) = self.asked_service(from, probe) else {
            return Err("no Service of these files has this name".to_owned());
        };
        if !service.listens_on(probe.port) {
            return Err(format!("the Service has no port {}", probe.port));
        }
        let is_asked = |name: &str| match host {
            Host::Any => true,
            Host::Pod(pod) => pod == name,
        };
        let mut pods = self.behind(service);
        if pods.any(|(_, actor)| actor.is_ready && is_asked(&actor.name)) {
            Ok(())
        } else {
            Err("no pod behind it is ready".to_owned())
        }
    }

    /// Before its own containers start, only its sidecars can answer.
    fn look_at_sidecars(&self, from: PodId) -> Result<(), String> {
        let actor = self.pod(from);
        let mut begun = actor.script[..actor.position].iter();
        if begun.any(|step| matches!(step, Step::Start(start) if start.sidecar)) {
            Ok(())
        } else {
            Err("no sidecar has started before".to_owned())
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let is_address = host
        .parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    host == "localhost" || is_address
}
