//! Where a store is, and what vouches for it.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use thiserror::Error;
use ureq::http::{Uri, uri::Scheme};

use crate::environment::Environment;

/// Where a store is, and what vouches for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Its URL.
    pub url: ServerUrl,
    /// The address to use if the host in the URL cannot be looked up; TLS still verifies the
    /// host's name.
    pub fallback: Option<IpAddr>,
    /// The address to use without a lookup of the host in the URL, as for a tunnel.
    pub address: Option<IpAddr>,
    /// The certificates that vouch for it, in PEM: the only ones that are trusted.
    pub ca: Option<String>,
    /// The file with the token that is presented to it.
    pub token_file: Option<PathBuf>,
}

impl Endpoint {
    /// Returns the store that the URL alone leads to.
    pub fn new(url: ServerUrl) -> Self {
        Self {
            url,
            fallback: None,
            address: None,
            ca: None,
            token_file: None,
        }
    }

    /// Returns the store at `server`, else at `ONCUE_SERVER`, else on this host, with
    /// `ONCUE_SERVER_IP`, `ONCUE_CA` and `ONCUE_TOKEN_FILE` as `environment` has them.
    pub fn from_environment(
        server: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, EndpointError> {
        let url = match server {
            Some(server) => server.parse()?,
            None => match environment.non_empty("ONCUE_SERVER") {
                Some(server) => server.parse()?,
                None => ServerUrl::default(),
            },
        };
        let fallback = environment
            .non_empty("ONCUE_SERVER_IP")
            .map(address)
            .transpose()?;
        Ok(Self {
            fallback,
            ca: environment.non_empty("ONCUE_CA").map(str::to_owned),
            token_file: environment.non_empty("ONCUE_TOKEN_FILE").map(PathBuf::from),
            ..Self::new(url)
        })
    }
}

fn address(text: &str) -> Result<IpAddr, EndpointError> {
    text.parse().map_err(|_| EndpointError::Address {
        text: text.to_owned(),
    })
}

/// The URL of a store: `http://host:port` or `https://host:port`, perhaps with a path in front of
/// the API's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerUrl {
    text: String,
    uri: Uri,
}

impl ServerUrl {
    /// Returns the text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether the store speaks TLS.
    pub fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Returns the URL of `path`, which begins with a slash.
    pub(super) fn join(&self, path: &str) -> Uri {
        format!("{}{path}", self.text)
            .parse()
            .unwrap_or_else(|_| self.uri.clone())
    }
}

impl Default for ServerUrl {
    fn default() -> Self {
        let uri = Uri::from_static("http://127.0.0.1:9999");
        Self {
            text: "http://127.0.0.1:9999".to_owned(),
            uri,
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ServerUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = || EndpointError::Url {
            text: text.to_owned(),
        };
        let trimmed = text.trim_end_matches('/');
        let uri: Uri = trimmed.parse().map_err(|_| error())?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        if !is_web || !has_host || uri.query().is_some() {
            return Err(error());
        }
        Ok(Self {
            text: trimmed.to_owned(),
            uri,
        })
    }
}

/// What is wrong with the address of a store.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum EndpointError {
    /// `ONCUE_SERVER_IP` is no address.
    #[error("ONCUE_SERVER_IP is {text:?}, which is not an IP address")]
    Address {
        /// The text.
        text: String,
    },
    /// `ONCUE_CA` holds no certificate.
    #[error("ONCUE_CA holds no certificate in PEM: {reason}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
    },
    /// TLS without anything to trust.
    #[error(
        "{url} needs the certificate of its CA: set ONCUE_CA to it, in PEM, or pass --ca-file to \
         oncue"
    )]
    NoCa {
        /// The URL.
        url: String,
    },
    /// A token for a store without TLS.
    #[error(
        "a token is sent over TLS only, but {url} is not an https:// URL: correct it, or unset \
         ONCUE_TOKEN_FILE"
    )]
    TokenInPlainText {
        /// The URL.
        url: String,
    },
    /// Not a URL of a store.
    #[error("{text:?} is not the URL of a store: write http://HOST:PORT or https://HOST:PORT")]
    Url {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        for (text, url) in [
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
            ("https://[::1]:9999/", "https://[::1]:9999"),
            ("http://proxy/oncue/", "http://proxy/oncue"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().as_str(), url);
        }
        for bad in [
            "",
            "localhost:9999",
            "ftp://x",
            "http://",
            "http://x/?a=b",
            "http://a b",
        ] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_command_line_comes_before_the_environment() {
        let environment = [
            ("ONCUE_SERVER", "http://from-environment:1"),
            ("ONCUE_SERVER_IP", "10.0.0.1"),
            ("ONCUE_CA", ""),
            ("ONCUE_TOKEN_FILE", ""),
        ]
        .into_iter()
        .collect();
        let named = Endpoint::from_environment(Some("http://named:2"), &environment).unwrap();
        assert_eq!(named.url.as_str(), "http://named:2");
        let set = Endpoint::from_environment(None, &environment).unwrap();
        assert_eq!(set.url.as_str(), "http://from-environment:1");
        assert_eq!(set.fallback, Some("10.0.0.1".parse().unwrap()));
        assert_eq!(set.ca, None, "an empty variable is no certificate");
        assert_eq!(set.token_file, None);
        let neither = Endpoint::from_environment(None, &Environment::default()).unwrap();
        assert_eq!(neither.url, ServerUrl::default());
    }
}
