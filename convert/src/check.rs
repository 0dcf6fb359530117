//! One question that a wait asks again and again, and the term that asks the same.

use oncue_language::Term;

use crate::{
    duration,
    text::{OWN_NAMESPACE, Text},
};

/// A question that a container asks of the cluster or the network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Check {
    /// A question that no term asks, or whose object only the running container knows; the reason
    /// reads after "it".
    Opaque(String),
    /// A request of which a script reads the status.
    Status { http: String, tcp: String },
    /// A question that a term asks.
    Term { target: String, fit: Fit },
}

/// How exactly a term says what a container waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fit {
    /// Slightly more or less; the text says what differs.
    Approximate(String),
    Exact,
}

impl Fit {
    /// Returns the fit of a term for a container that lets so many milliseconds pass once everything
    /// holds, to let it settle.
    pub(crate) fn and_settles(self, millis: u64) -> Self {
        match self {
            Self::Exact if millis >= 1000 => Self::Approximate(format!(
                "it goes on {} later, or once all holds several times",
                duration::timeout(millis)
            )),
            other => other,
        }
    }
}

impl Check {
    /// Returns the check whether a connection to a host and a port is accepted.
    pub(crate) fn tcp(host: &Text, port: &Text) -> Self {
        Self::to_port(host, port, Fit::Exact)
    }

    /// Returns the check of a protocol, of which a term tells only the connection.
    pub(crate) fn nearly_tcp(host: &Text, port: &Text, difference: &str) -> Self {
        Self::to_port(host, port, Fit::Approximate(difference.to_owned()))
    }

    fn to_port(host: &Text, port: &Text, fit: Fit) -> Self {
        let found = host_name(host).and_then(|host| Ok((host, port_number(port)?)));
        match found {
            Ok((host, port)) => Self::term(&tcp_url(&host, port), fit),
            Err(reason) => Self::Opaque(reason),
        }
    }

    /// Returns the check that a term makes, or an opaque one if there is no such term.
    pub(crate) fn term(target: &str, fit: Fit) -> Self {
        match target.parse::<Term>() {
            Ok(term) => Self::Term {
                target: term.to_string(),
                fit,
            },
            Err(error) => Self::Opaque(format!("waits for {target:?}, which is no term: {error}")),
        }
    }

    pub(crate) fn exact(target: &str) -> Self {
        Self::term(target, Fit::Exact)
    }

    pub(crate) fn approximate(target: &str, difference: &str) -> Self {
        Self::term(target, Fit::Approximate(difference.to_owned()))
    }

    pub(crate) fn opaque(reason: impl Into<String>) -> Self {
        Self::Opaque(reason.into())
    }
}

/// Returns the term of a connection; an IPv6 address goes into brackets.
pub(crate) fn tcp_url(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("tcp://[{host}]:{port}")
    } else {
        format!("tcp://{host}:{port}")
    }
}

/// Returns a host that a probe of the pod can reach, or why it cannot be named.
pub(crate) fn host_name(host: &Text) -> Result<String, String> {
    let host = host.get()?;
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let host = without_own_namespace(bare.unwrap_or(host))?;
    if host.is_empty() {
        return Err("names no host".to_owned());
    }
    if oncue_language::host::is_loopback(&host) || host == "0.0.0.0" {
        return Err(format!("asks the pod itself ({host})"));
    }
    if host.contains(['*', '/', '@', '|']) || host.contains(char::is_whitespace) {
        return Err(format!("asks the host {host:?}, which is not a host name"));
    }
    Ok(host)
}

/// Drops the pod's own namespace from a host name: without it, the name means the same.
fn without_own_namespace(host: &str) -> Result<String, String> {
    let host = match host.split_once(&format!(".{OWN_NAMESPACE}")) {
        Some((
            service,
            "" | "." | ".svc" | ".svc." | ".svc.cluster.local" | ".svc.cluster.local.",
        )) => service,
        _ => host,
    };
    if host.contains("$(") {
        return Err("uses the pod's own namespace in a host name".to_owned());
    }
    Ok(host.to_owned())
}

/// Returns a port's number, or why it is not known.
pub(crate) fn port_number(port: &Text) -> Result<u16, String> {
    let port = port.get()?;
    let number = port.parse::<u16>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("asks for the port {port:?}, which is not one port's number"))
}

/// Returns `HOST:PORT` as its two parts; the whole as the host if there is no port.
pub(crate) fn split_port(address: &Text) -> (Text, Option<Text>) {
    let Text::Known(known) = address else {
        return (address.clone(), None);
    };
    match known.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (Text::known(host), Some(Text::known(port)))
        }
        _ => (address.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_tcp(host: &str, port: &str, expected: &str) {
        let found = match Check::tcp(&Text::known(host), &Text::known(port)) {
            Check::Term { target, .. } => target,
            Check::Opaque(reason) => reason,
            other @ Check::Status { .. } => panic!("{other:?}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_host_and_a_port_make_a_term() {
        assert_tcp("db", "5432", "tcp://db:5432");
        assert_tcp("::2", "80", "tcp://[::2]:80");
        assert_tcp("db.$(POD_NAMESPACE).svc.cluster.local", "1", "tcp://db:1");
        assert_tcp("db.$(POD_NAMESPACE)", "1", "tcp://db:1");
    }

    #[test]
    fn what_a_probe_cannot_reach_has_a_reason() {
        assert_tcp("localhost", "1", "asks the pod itself (localhost)");
        assert_tcp("", "1", "names no host");
        assert_tcp(
            "db",
            "1-9",
            "asks for the port \"1-9\", which is not one port's number",
        );
        assert_tcp(
            "db",
            "0",
            "asks for the port \"0\", which is not one port's number",
        );
        assert_tcp(
            "db-$(POD_NAMESPACE)",
            "1",
            "uses the pod's own namespace in a host name",
        );
    }

    #[test]
    fn an_address_splits_at_its_port() {
        let split = |address: &str| {
            let (host, port) = split_port(&Text::known(address));
            (host.to_string(), port.map(|port| port.to_string()))
        };
        assert_eq!(split("db:5432"), ("db".to_owned(), Some("5432".to_owned())));
        assert_eq!(split("[::2]:1"), ("[::2]".to_owned(), Some("1".to_owned())));
        assert_eq!(split("::2"), ("::2".to_owned(), None));
        assert_eq!(split("db"), ("db".to_owned(), None));
    }
}
