//! A key with its certificates.

use std::{mem, time::SystemTime};

use rustls::pki_types::ServerName;

use crate::{
    certificate::AuthorityCertificate, error::CertificateError, key::AuthorityKey, leaf::Leaf,
    validity::Validity,
};

/// A certificate authority: one key, and one or more certificates for it.
///
/// A renewal adds a certificate under the same key, and the old one stays until it expires. A
/// client that trusts either of them verifies every leaf.
#[derive(Debug)]
pub struct Authority {
    key: AuthorityKey,
    /// The newest, under which leaves are issued.
    certificate: AuthorityCertificate,
    /// What it succeeds and is still trusted, the oldest first.
    predecessors: Vec<AuthorityCertificate>,
}

impl Authority {
    /// Makes a new key and a certificate for it.
    pub fn generate(now: SystemTime) -> Result<Self, CertificateError> {
        let key = AuthorityKey::generate()?;
        Ok(Self {
            certificate: key.certify(now)?,
            predecessors: Vec::new(),
            key,
        })
    }

    /// Reads a key and the bundle of its certificates.
    pub fn from_pem(key: &str, bundle: &str) -> Result<Self, CertificateError> {
        let key = AuthorityKey::from_pem(key)?;
        let mut predecessors = AuthorityCertificate::all_from_pem(bundle)?;
        let public_key = key.pair().public_key_raw();
        if predecessors.iter().any(|c| c.public_key() != public_key) {
            return Err(CertificateError::KeyMismatch);
        }
        predecessors.sort_by_key(|certificate| certificate.validity().not_after);
        let certificate = predecessors.pop().ok_or(CertificateError::NoCertificate)?;
        Ok(Self {
            key,
            certificate,
            predecessors,
        })
    }

    /// Adds a certificate that starts `now`, and drops those that have ended.
    pub fn renew(&mut self, now: SystemTime) -> Result<(), CertificateError> {
        let renewed = self.key.certify(now)?;
        let succeeded = mem::replace(&mut self.certificate, renewed);
        self.predecessors.push(succeeded);
        self.predecessors
            .retain(|certificate| now <= certificate.validity().not_after);
        Ok(())
    }

    /// Issues a certificate for a server with these names.
    pub fn issue(
        &self,
        names: &[ServerName<'static>],
        now: SystemTime,
    ) -> Result<Leaf, CertificateError> {
        Leaf::issue(names, now, self)
    }

    /// Returns the key.
    pub fn key(&self) -> &AuthorityKey {
        &self.key
    }

    /// Returns all certificates in PEM: what clients are to trust.
    pub fn bundle_pem(&self) -> String {
        self.certificates()
            .map(AuthorityCertificate::to_pem)
            .collect()
    }

    /// Returns all certificates, the newest last.
    pub fn certificates(&self) -> impl Iterator<Item = &AuthorityCertificate> {
        self.predecessors.iter().chain([&self.certificate])
    }

    /// Returns the newest certificate.
    pub fn certificate(&self) -> &AuthorityCertificate {
        &self.certificate
    }

    /// Returns from when to when the newest certificate is valid.
    pub fn validity(&self) -> Validity {
        self.certificate.validity()
    }
}

/// The same certificates are of the same key.
impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.certificates().eq(other.certificates())
    }
}

impl Eq for Authority {}
