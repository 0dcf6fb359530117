//! The checks that the client makes from the pod.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use oncue_language::{Probe, term::Scheme};
use thiserror::Error;

use crate::{
    api::{describe, unverified_agent},
    names::{Hosts, Names, RememberedNames},
};

/// The timeout of one check.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes the checks of `tcp://`, `http://` and `https://` terms.
pub trait Prober: Send + Sync {
    /// Checks once, within a few seconds.
    ///
    /// # Errors
    /// [`ProbeFailure`] with the reason, to be read after the term.
    fn probe(&self, probe: &Probe) -> Result<(), ProbeFailure>;

    /// Forgets the addresses that are kept of a host.
    fn forget(&self, _host: &str) {}
}

/// Why a check failed, in words to be read after the term.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct ProbeFailure(pub String);

/// Checks over real sockets.
///
/// Like the kubelet's own probes, an `https` probe checks whether the service answers, not its
/// identity. It does not verify the certificate, because the pod has no trust anchor for it.
#[derive(Debug)]
pub struct SocketProber {
    agent: ureq::Agent,
    hosts: Arc<RememberedNames>,
}

impl SocketProber {
    /// Returns a prober that resolves hosts with `names`.
    pub fn new(names: Names) -> Self {
        let hosts = Arc::new(RememberedNames::new(names));
        Self {
            agent: unverified_agent(Arc::clone(&hosts) as _),
            hosts,
        }
    }

    fn connect(&self, probe: &Probe) -> Result<(), ProbeFailure> {
        let deadline = Instant::now() + PROBE_TIMEOUT;
        let addresses = self
            .hosts
            .lookup(&probe.host, deadline)
            .map_err(|error| ProbeFailure(error.to_string()))?;
        let mut reason = "timed out".to_owned();
        for (index, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let addresses_left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            match connect(SocketAddr::new(*address, probe.port), left / addresses_left) {
                Ok(_) => return Ok(()),
                Err(error) => reason = error.kind().to_string(),
            }
        }
        Err(ProbeFailure(reason))
    }

    fn get(&self, probe: &Probe) -> Result<(), ProbeFailure> {
        let request = self
            .agent
            .get(probe.url())
            .config()
            .timeout_global(Some(PROBE_TIMEOUT));
        match request.build().call() {
            Ok(response) if (200..400).contains(&response.status().as_u16()) => Ok(()),
            Ok(response) => Err(ProbeFailure(format!("answered {}", response.status()))),
            Err(error) => Err(ProbeFailure(describe(error))),
        }
    }
}

impl Prober for SocketProber {
    fn probe(&self, probe: &Probe) -> Result<(), ProbeFailure> {
        match probe.scheme {
            Scheme::Http | Scheme::Https => self.get(probe),
            Scheme::Tcp => self.connect(probe),
        }
    }

    fn forget(&self, host: &str) {
        self.hosts.forget(host);
    }
}

/// Returns an error if no time is left, because a timeout must not be zero.
fn connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    if timeout.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    TcpStream::connect_timeout(&address, timeout)
}

#[cfg(test)]
mod tests {
    use oncue_language::Term;
    use proptest::prelude::*;
    use ureq::http::Uri;

    proptest! {
        #[test]
        fn whatever_url_may_be_waited_for_can_be_requested(
            host in "[A-Za-z0-9._-]{1,6}|\\[::1\\]",
            path in "([ -~\u{e9}]{0,4}|[a-z?#]{0,3}){0,3}",
        ) {
            let path = path.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(term) = format!("\"http://{host}/{path}\"").parse::<Term>() {
                let url = term.probe().unwrap().url();
                prop_assert!(url.parse::<Uri>().is_ok(), "{}", url);
            }
        }
    }
}
