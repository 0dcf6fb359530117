//! A key with its certificates.

use std::{slice, sync::Arc, time::SystemTime};

use rustls::pki_types::ServerName;

use crate::{
    certificate::AuthorityCertificate, error::CertificateError, key::AuthorityKey, leaf::Leaf,
    profile::Profile, validity::Validity, verify::verify,
};

/// A certificate authority: one key, and one or more certificates for it.
///
/// A renewal adds a certificate under the same key, and the old one stays until it expires. A
/// client that trusts either of them verifies every leaf.
#[derive(Debug)]
pub struct Authority {
    key: Arc<AuthorityKey>,
    /// The newest, under which leaves are issued.
    certificate: AuthorityCertificate,
    /// What it succeeds and is still trusted, the oldest first.
    predecessors: Vec<AuthorityCertificate>,
}

impl Authority {
    /// Makes a new key and a certificate for it, with the default [`Profile`].
    pub fn generate(now: SystemTime) -> Result<Self, CertificateError> {
        Self::create(&Profile::default(), now)
    }

    /// Makes a new key and a certificate for it.
    pub fn create(profile: &Profile, now: SystemTime) -> Result<Self, CertificateError> {
        Self::certify(Arc::new(AuthorityKey::generate()?), profile, now)
    }

    /// Makes a certificate for a key whose certificates are lost.
    ///
    /// Clients that trust a lost one verify the new leaves, if it had the same name.
    pub fn certify(
        key: Arc<AuthorityKey>,
        profile: &Profile,
        now: SystemTime,
    ) -> Result<Self, CertificateError> {
        Ok(Self {
            certificate: key.certify(profile, now)?,
            predecessors: Vec::new(),
            key,
        })
    }

    /// Reads a key and the bundle of its certificates.
    pub fn from_pem(key: &str, bundle: &str) -> Result<Self, CertificateError> {
        let key = Arc::new(AuthorityKey::from_pem(key)?);
        let mut predecessors = AuthorityCertificate::all_from_pem(bundle)?;
        if !predecessors.iter().all(AuthorityCertificate::is_authority) {
            return Err(CertificateError::NotAnAuthority);
        }
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

    /// Returns this authority with another certificate, which starts `now`, and without those that
    /// have ended.
    pub fn renewed(&self, profile: &Profile, now: SystemTime) -> Result<Self, CertificateError> {
        let certificate = self.key.recertify(&self.certificate, profile, now)?;
        let is_valid = |it: &&AuthorityCertificate| now <= it.validity().not_after;
        Ok(Self {
            key: Arc::clone(&self.key),
            certificate,
            predecessors: self.certificates().filter(is_valid).cloned().collect(),
        })
    }

    /// Issues a certificate for a server with these names, with the default [`Profile`].
    pub fn issue(
        &self,
        names: &[ServerName<'static>],
        now: SystemTime,
    ) -> Result<Leaf, CertificateError> {
        self.issue_as(&Profile::default(), names, now)
    }

    /// Issues a certificate for a server with these names.
    pub fn issue_as(
        &self,
        profile: &Profile,
        names: &[ServerName<'static>],
        now: SystemTime,
    ) -> Result<Leaf, CertificateError> {
        Leaf::issue(names, (profile, now), self)
    }

    /// Checks that clients will verify what it issues: now, and after its renewal with what they
    /// trust now.
    ///
    /// An authority that was made elsewhere may be limited to other names, or to other purposes.
    pub(crate) fn check(
        &self,
        profile: &Profile,
        (names, now): (&[ServerName<'static>], SystemTime),
    ) -> Result<(), CertificateError> {
        let Validity {
            not_before,
            not_after,
        } = self.validity();
        // One that has expired is renewed before it is used.
        let then = now.clamp(not_before, not_after.max(not_before));
        let leaf = self
            .renewed(profile, then)?
            .issue_as(profile, names, then)?;
        verify(
            leaf.chain(),
            slice::from_ref(&self.certificate),
            (names, then),
        )
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
