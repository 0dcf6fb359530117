//! Names whose addresses are kept for a while.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Hosts, LookupError, Names};

/// Looks up names as [`Names`] does, and keeps the answers for a while: probes are frequent, and
/// thousands of waiting pods would be a load on the cluster's DNS.
#[derive(Debug)]
pub(crate) struct RememberedNames {
    names: Names,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// One for each host. A pod probes few: a map would add kilobytes to the client's binary.
    answers: Vec<Answer>,
    /// How many times an answer was forgotten. A lookup that began before the last time does not
    /// count: its answer may be the one that was to be forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Answer {
    host: String,
    addresses: Result<Vec<IpAddr>, LookupError>,
    until: Instant,
}

impl Memory {
    fn remove(&mut self, host: &str) {
        self.answers.retain(|answer| answer.host != host);
    }
}

impl RememberedNames {
    pub(crate) fn new(names: Names) -> Self {
        Self {
            names,
            memory: Mutex::default(),
        }
    }

    /// Forgets the answer about a host.
    pub(crate) fn forget(&self, host: &str) {
        let mut memory = self.lock();
        memory.remove(host);
        memory.forgotten += 1;
    }

    /// Returns the answer that is kept, or else the one that `ask` gets at `now`.
    fn recall(
        &self,
        host: &str,
        now: Instant,
        ask: impl FnOnce() -> Result<Vec<IpAddr>, LookupError>,
    ) -> Result<Vec<IpAddr>, LookupError> {
        let memory = self.lock();
        let mut answers = memory.answers.iter();
        if let Some(answer) = answers.find(|answer| answer.host == host && now < answer.until) {
            return answer.addresses.clone();
        }
        let forgotten = memory.forgotten;
        drop(memory);
        // Not under the lock: another host's probe must not wait for this one.
        let addresses = ask();
        let kept_for = if addresses.is_ok() {
            KEPT
        } else {
            FAILURE_KEPT
        };
        let answer = Answer {
            host: host.to_owned(),
            addresses: addresses.clone(),
            until: now + kept_for,
        };
        let mut memory = self.lock();
        if memory.forgotten == forgotten {
            memory.remove(host);
            memory.answers.push(answer);
        }
        addresses
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts for RememberedNames {
    fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
        self.recall(host, Instant::now(), || self.names.lookup(host, deadline))
    }
}

/// How long addresses are kept.
const KEPT: Duration = Duration::from_secs(30);

/// How long it is kept that a name has no address: it may get one at any moment.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn mk_names() -> RememberedNames {
        RememberedNames::new(Names::of_the_system())
    }

    fn mk_addresses(last: u8) -> Vec<IpAddr> {
        vec![Ipv4Addr::new(10, 0, 0, last).into()]
    }

    #[test]
    fn addresses_are_looked_up_again_after_half_a_minute() {
        let (names, now) = (mk_names(), Instant::now());
        let ask = |after, last| names.recall("h", now + after, || Ok(mk_addresses(last)));
        assert_eq!(ask(Duration::ZERO, 1), Ok(mk_addresses(1)));
        assert_eq!(ask(Duration::from_millis(29_999), 2), Ok(mk_addresses(1)));
        assert_eq!(ask(Duration::from_secs(30), 3), Ok(mk_addresses(3)));
    }

    #[test]
    fn a_name_without_an_address_is_looked_up_again_after_a_second() {
        let (names, now) = (mk_names(), Instant::now());
        let error = LookupError::NoSuchHost {
            host: "h".to_owned(),
        };
        let failed = names.recall("h", now, || Err(error.clone()));
        assert_eq!(failed, Err(error.clone()));
        let ask = |after| names.recall("h", now + after, || Ok(mk_addresses(1)));
        assert_eq!(ask(Duration::from_millis(999)), Err(error));
        assert_eq!(ask(Duration::from_secs(1)), Ok(mk_addresses(1)));
    }

    #[test]
    fn a_name_that_is_forgotten_is_looked_up_again() {
        let (names, now) = (mk_names(), Instant::now());
        let ask = |host: &str, last| names.recall(host, now, || Ok(mk_addresses(last)));
        assert_eq!(ask("h", 1), Ok(mk_addresses(1)));
        assert_eq!(ask("other", 1), Ok(mk_addresses(1)));
        names.forget("h");
        assert_eq!(ask("h", 2), Ok(mk_addresses(2)));
        assert_eq!(ask("other", 2), Ok(mk_addresses(1)));
    }

    #[test]
    fn a_lookup_that_began_before_its_name_was_forgotten_is_not_kept() {
        let (names, now) = (mk_names(), Instant::now());
        let overtaken = names.recall("h", now, || {
            names.forget("h");
            Ok(mk_addresses(1))
        });
        assert_eq!(overtaken, Ok(mk_addresses(1)));
        let next = names.recall("h", now, || Ok(mk_addresses(2)));
        assert_eq!(next, Ok(mk_addresses(2)));
    }

    #[test]
    fn each_host_has_its_own_addresses() {
        let (names, now) = (mk_names(), Instant::now());
        for (host, last) in [("a", 1), ("b", 2), ("a", 1)] {
            let found = names.recall(host, now, || Ok(mk_addresses(last)));
            assert_eq!(found, Ok(mk_addresses(last)));
        }
    }
}
