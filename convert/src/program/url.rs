//! URLs of scripts and tools.

use crate::{
    check::{Check, Fit, host_name, port_number, split_port, tcp_url},
    text::Text,
};

/// Ports of protocols that are not HTTP.
const OTHER_PROTOCOLS: [u16; 14] = [
    1433, 1521, 2181, 3306, 5432, 5672, 6379, 6432, 9042, 9092, 11211, 26379, 27017, 33060,
];

/// A URL of a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    host: String,
    port: u16,
    /// With the query; empty or with a slash at its beginning.
    path: String,
}

impl Url {
    /// Reads a URL; without a scheme, it has `default`. The reason for a failure reads after "it".
    pub(crate) fn new(text: &Text, default: &str) -> Result<Self, String> {
        let text = text.get()?;
        let (scheme, rest) = text.split_once("://").unwrap_or((default, text));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (address, path) = rest.split_at(end);
        if address.contains('@') {
            return Err("asks with a login in the URL".to_owned());
        }
        let path = path.split('#').next().unwrap_or_default();
        let (host, port) = split_port(&Text::known(address));
        let scheme = scheme.to_ascii_lowercase();
        let port = match port {
            Some(port) => port_number(&port)?,
            None => match scheme.as_str() {
                "http" => 80,
                "https" => 443,
                _ => return Err(format!("asks {text}, which names no port")),
            },
        };
        Ok(Self {
            host: host_name(&host)?,
            port,
            path: if path.starts_with('?') {
                format!("/{path}")
            } else {
                path.to_owned()
            },
            scheme,
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the term that asks for a connection.
    pub(crate) fn tcp(&self) -> String {
        tcp_url(&self.host, self.port)
    }

    /// Returns the term that asks for an answer.
    pub(crate) fn http(&self) -> String {
        let address = self.tcp();
        let address = address.trim_start_matches("tcp://");
        let default = if self.scheme == "https" {
            ":443"
        } else {
            ":80"
        };
        let address = address.strip_suffix(default).unwrap_or(address);
        let url = format!("{}://{address}{}", self.scheme, self.path);
        if url.contains([',', '"', '\'']) || url.contains(char::is_whitespace) {
            format!("{url:?}")
        } else {
            url
        }
    }

    pub(crate) fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }

    /// Returns whether the port is one of another protocol: then no HTTP answer ever comes.
    pub(crate) fn is_of_other_protocol(&self) -> bool {
        self.is_http() && OTHER_PROTOCOLS.contains(&self.port)
    }

    /// Returns the check that a 2xx or 3xx answer comes.
    pub(crate) fn answer(&self, certificate: Certificate) -> Check {
        if self.is_of_other_protocol() {
            return Check::exact(&self.tcp());
        }
        Check::term(&self.http(), self.fit(certificate))
    }

    /// Returns the check that any answer comes, whatever its status.
    pub(crate) fn any_answer(&self, certificate: Certificate) -> Check {
        Check::term(&self.tcp(), self.fit(certificate))
    }

    fn fit(&self, certificate: Certificate) -> Fit {
        if self.scheme == "https" && certificate == Certificate::Verified {
            Fit::Approximate("it also verifies the certificate".to_owned())
        } else {
            Fit::Exact
        }
    }
}

/// Whether a request verifies the server's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Certificate {
    Ignored,
    Verified,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_makes_two_terms() {
        for (text, tcp, http) in [
            ("http://web/x?y=1#z", "tcp://web:80", "http://web/x?y=1"),
            ("web:8080", "tcp://web:8080", "http://web:8080"),
            ("https://web:8443/", "tcp://web:8443", "https://web:8443/"),
            ("http://web?x", "tcp://web:80", "http://web/?x"),
            (
                "http://[::2]:1/a,b",
                "tcp://[::2]:1",
                "\"http://[::2]:1/a,b\"",
            ),
        ] {
            let url = Url::new(&Text::known(text), "http").unwrap();
            assert_eq!(
                (url.tcp().as_str(), url.http().as_str()),
                (tcp, http),
                "{text}"
            );
        }
    }

    #[test]
    fn a_url_that_no_probe_asks_has_a_reason() {
        for (text, reason) in [
            ("http://me:x@web", "asks with a login in the URL"),
            ("http://localhost:1", "asks the pod itself (localhost)"),
            ("tcp://db", "asks tcp://db, which names no port"),
        ] {
            assert_eq!(
                Url::new(&Text::known(text), "http"),
                Err(reason.to_owned()),
                "{text}"
            );
        }
    }
}
