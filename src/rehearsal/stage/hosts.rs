//! What probes find: Services of the files, and what is assumed.

use oncue_language::{Namespace, Probe};

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
        if result.is_ok() {
            self.latched.insert((from, probe.url()));
        }
        result
    }

    /// Returns whether a probe has held, or would hold now.
    pub(super) fn probe_holds(&self, from: PodId, probe: &Probe) -> bool {
        self.latched.contains(&(from, probe.url())) || self.look(from, probe).is_ok()
    }

    /// Returns the Service that a probe from a namespace asks, with what it asks of it.
    pub(super) fn asked_service<'a>(
        &self,
        from: &Namespace,
        probe: &'a Probe,
    ) -> Option<(&Service, Host<'a>)> {
        let mut services = self.cast.services.iter();
        services.find_map(|service| Some((service, service.resolve(&probe.host, from)?)))
    }

    /// Returns whether the host that a probe from a namespace asks is in the files or assumed.
    pub(super) fn is_known_host(&self, from: &Namespace, probe: &Probe) -> bool {
        self.is_assumed_host(&probe.host)
            || is_loopback(&probe.host)
            || self.asked_service(from, probe).is_some()
    }

    fn is_assumed_host(&self, host: &str) -> bool {
        let mut assumptions = self.directions.assumptions.iter();
        assumptions.any(|assumption| match assumption {
            Assumption::Host(assumed) => assumed == host,
            Assumption::Object { .. } => false,
        })
    }

    fn look(&self, from: PodId, probe: &Probe) -> Result<(), String> {
        if self.is_assumed_host(&probe.host) {
            return Ok(());
        }
        if is_loopback(&probe.host) {
            return self.look_at_sidecars(from);
        }
        let Some((service, host)) = self.asked_service(&self.pod(from).namespace, probe) else {
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
