//! What a server's certificate comes from.

use std::{sync::Arc, time::SystemTime};

use rustls::pki_types::ServerName;

use crate::{
    authority::Authority, certificate::AuthorityCertificate, error::CertificateError, given::Given,
    leaf::Leaf, profile::Profile, validity::Validity, verify::verify,
};

/// What a server's certificate comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credentials {
    /// An authority of its own, which issues it.
    Authority(Arc<Authority>),
    /// Somebody else, who has issued it.
    Given(Arc<Given>),
}

impl Credentials {
    /// Returns the certificates that clients are to trust.
    pub fn trusted(&self) -> Vec<AuthorityCertificate> {
        match self {
            Self::Authority(authority) => authority.certificates().cloned().collect(),
            Self::Given(given) => given.trusted().to_vec(),
        }
    }

    /// Returns the certificates that clients are to trust, in PEM.
    pub fn bundle_pem(&self) -> String {
        let trusted = self.trusted();
        trusted.iter().map(AuthorityCertificate::to_pem).collect()
    }

    /// Returns from when to when certificates come from it that clients accept.
    pub fn validity(&self) -> Validity {
        match self {
            Self::Authority(authority) => authority.validity(),
            Self::Given(given) => given.validity(),
        }
    }

    /// Returns when a certificate would end that is served from `now` on.
    pub(crate) fn leaf_ends(&self, profile: &Profile, now: SystemTime) -> SystemTime {
        let end = self.validity().not_after;
        match self {
            Self::Authority(_) => end.min(now + profile.leaf_validity),
            Self::Given(_) => end,
        }
    }

    /// Returns a certificate to serve.
    pub(crate) fn leaf(
        &self,
        profile: &Profile,
        (names, now): (&[ServerName<'static>], SystemTime),
    ) -> Result<Leaf, CertificateError> {
        match self {
            Self::Authority(authority) => authority.issue_as(profile, names, now),
            Self::Given(given) => Ok(given.leaf()),
        }
    }

    /// Returns whether clients that trust `bundle` accept what comes from it: whether they trust the
    /// newest certificate of an authority.
    pub(crate) fn is_trusted(
        &self,
        bundle: &[AuthorityCertificate],
        client: (&[ServerName<'static>], SystemTime),
    ) -> bool {
        match self {
            Self::Authority(authority) => bundle.contains(authority.certificate()),
            Self::Given(given) => verify(given.chain(), bundle, client).is_ok(),
        }
    }

    /// Returns whether clients that trust only `former` refuse what comes from this.
    pub(crate) fn replaces(
        &self,
        former: &Self,
        client: (&[ServerName<'static>], SystemTime),
    ) -> bool {
        match (self, former) {
            (Self::Authority(authority), Self::Authority(former)) => {
                !authority.key().is_that_of(former.key())
            }
            (Self::Authority(_), Self::Given(_)) => true,
            (Self::Given(_), former) => !self.is_trusted(&former.trusted(), client),
        }
    }
}
