//! Turns host names into addresses without libc.
//!
//! The client also runs inside the user's own containers, and a static libc's `getaddrinfo` loads
//! the name service modules that it finds there. So: `/etc/hosts` and `/etc/resolv.conf` are read
//! here, and DNS is spoken over std sockets.

mod exchange;
mod hosts;
mod message;
mod remembered;
mod search;

use std::{
    fmt, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

use oncue_language::host::is_loopback;
use resolv_conf::ScopedIp;
use thiserror::Error;

use self::{
    exchange::Server,
    message::{Family, Reply},
};

pub(crate) use self::remembered::RememberedNames;

/// Whatever turns names into addresses.
pub(crate) trait Hosts: fmt::Debug + Send + Sync {
    /// Returns the addresses of `host`, in the order in which to try them; there is at least one.
    fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError>;
}

impl Hosts for Names {
    fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
        Names::lookup(self, host, deadline)
    }
}

/// The sources of names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    /// The table of hosts, `/etc/hosts` on a real system.
    pub hosts: PathBuf,
    /// The resolver's configuration, `/etc/resolv.conf` on a real system.
    pub resolv_conf: PathBuf,
    /// The port of the name servers: 53 except in tests.
    pub port: u16,
}

/// The most aliases that are followed if a server does not resolve them.
const MAX_ALIASES: usize = 8;

impl Names {
    /// Returns the names of this system.
    pub fn of_the_system() -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            port: 53,
        }
    }

    /// Returns the addresses of `host`, in the order in which to try them; there is at least one.
    ///
    /// Both files are read each time, because they can change while a pod waits.
    ///
    /// # Errors
    /// [`LookupError`] if the name does not exist, or no name server answers until `deadline`.
    pub fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
        if let Some(address) = literal(host) {
            return Ok(vec![address]);
        }
        let listed = hosts::lookup(&fs::read(&self.hosts).unwrap_or_default(), host);
        if !listed.is_empty() {
            return Ok(listed);
        }
        if is_loopback(host) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        Resolver::new(self, deadline).lookup(host)
    }
}

/// Why a name has no address.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum LookupError {
    /// The text is not a host name.
    #[error("{host:?} is not a host name")]
    NotAName {
        /// The text.
        host: String,
    },
    /// The name servers report that the name has no address.
    #[error("there is no host {host}")]
    NoSuchHost {
        /// The name.
        host: String,
    },
    /// No name server had an answer.
    #[error("failed to look up {host}: {reason}")]
    NoAnswer {
        /// The name.
        host: String,
        /// The answer of the last name server, or its failure.
        reason: String,
    },
}

/// Returns `host` as an address, with or without brackets, or `None` if it is a name.
fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
        .parse()
        .ok()
}

/// One lookup by DNS.
struct Resolver {
    config: resolv_conf::Config,
    servers: Vec<SocketAddr>,
    deadline: Instant,
}

/// The result of the servers for one name.
enum Found {
    Addresses(Vec<IpAddr>),
    Nothing,
    Unknown(String),
}

impl Resolver {
    fn new(names: &Names, deadline: Instant) -> Self {
        let text = fs::read(&names.resolv_conf).unwrap_or_default();
        let (config, _) = resolv_conf::Config::parse_with_errors(&text);
        let mut servers: Vec<_> = config
            .get_nameservers_or_local()
            .iter()
            .map(|server| SocketAddr::new(server_address(server), names.port))
            .collect();
        if config.rotate {
            let first = fastrand::usize(..servers.len());
            servers.rotate_left(first);
        }
        Self {
            config,
            servers,
            deadline,
        }
    }

    fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let mut unknown = None;
        for name in search::candidates(host, &self.config)? {
            match self.ask_and_follow(name) {
                Found::Addresses(addresses) => return Ok(addresses),
                Found::Nothing => {}
                Found::Unknown(reason) => unknown = Some(reason),
            }
        }
        let host = host.to_owned();
        Err(match unknown {
            Some(reason) => LookupError::NoAnswer { host, reason },
            None => LookupError::NoSuchHost { host },
        })
    }

    /// Asks for a name, and then for the target of an alias if the server did not follow it.
    fn ask_and_follow(&self, mut name: String) -> Found {
        for _ in 0..MAX_ALIASES {
            match self.ask(&name) {
                Asked::Alias(target) => name = target,
                Asked::Found(found) => return found,
            }
        }
        Found::Unknown("its aliases have no end".to_owned())
    }

    /// Asks one server after the other until one of them knows.
    fn ask(&self, name: &str) -> Asked {
        let attempts = usize::try_from(self.config.attempts.max(1)).unwrap_or(1);
        let mut tries_left = u32::try_from(attempts * self.servers.len()).unwrap_or(1);
        let mut reason = "no name server answered in time".to_owned();
        for address in self
            .servers
            .iter()
            .cycle()
            .take(attempts * self.servers.len())
        {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let server = Server {
                address: *address,
                deadline: Instant::now() + self.patience(left, tries_left),
                over_tcp_only: self.config.use_vc,
            };
            match server.ask(name, self.families()).map(Asked::from_replies) {
                Ok(Ok(asked)) => return asked,
                Ok(Err(unable)) => reason = format!("the name server {address} {unable}"),
                Err(error) => reason = format!("the name server {address}: {}", error.kind()),
            }
            tries_left -= 1;
        }
        Asked::Found(Found::Unknown(reason))
    }

    /// Returns the time of one try, so that a silent server leaves time for the next one.
    fn patience(&self, left: Duration, tries_left: u32) -> Duration {
        let configured = Duration::from_secs(self.config.timeout.max(1).into());
        configured.min(left / tries_left.max(1))
    }

    fn families(&self) -> &'static [Family] {
        if self.config.no_aaaa {
            &[Family::V4]
        } else {
            &[Family::V4, Family::V6]
        }
    }
}

/// The combined result of one server for a name.
enum Asked {
    Alias(String),
    Found(Found),
}

impl Asked {
    /// Combines the replies for all families. `None` stands for a family without an answer.
    fn from_replies(replies: Vec<Option<Reply>>) -> Result<Self, String> {
        let mut by_family = Vec::new();
        let mut alias = None;
        let mut unable = None;
        for reply in replies {
            match reply {
                Some(Reply::Addresses(addresses)) => by_family.push(addresses),
                Some(Reply::Alias(target)) => alias = Some(target),
                Some(Reply::NoAddress) => {}
                Some(Reply::NoSuchName) => return Ok(Self::Found(Found::Nothing)),
                Some(Reply::Unable(code)) => unable = Some(format!("answered {code}")),
                None => unable = Some("did not answer in time".to_owned()),
            }
        }
        match (alias, unable) {
            _ if !by_family.is_empty() => Ok(Self::Found(Found::Addresses(interleave(&by_family)))),
            (Some(target), _) => Ok(Self::Alias(target)),
            (None, Some(unable)) => Err(unable),
            (None, None) => Ok(Self::Found(Found::Nothing)),
        }
    }
}

/// Alternates between the families, so that an unreachable family costs one try, not all of them.
fn interleave(by_family: &[Vec<IpAddr>]) -> Vec<IpAddr> {
    let longest = by_family.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|index| by_family.iter().filter_map(move |list| list.get(index)))
        .copied()
        .collect()
}

fn server_address(server: &ScopedIp) -> IpAddr {
    match server {
        ScopedIp::V4(address) => (*address).into(),
        ScopedIp::V6(address, _) => (*address).into(),
    }
}

#[cfg(test)]
mod tests;
