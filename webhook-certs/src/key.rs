//! The key of a certificate authority.

use std::{fmt, time::SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::{
    certificate::{AuthorityCertificate, LIFETIME},
    error::CertificateError,
    validity::Validity,
};

/// The key of a certificate authority (ECDSA P-256).
///
/// It outlives its certificates. A client that trusts an old certificate trusts what the key signs,
/// as long as the old one is valid.
pub struct AuthorityKey(KeyPair);

impl AuthorityKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, CertificateError> {
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .map(Self)
            .map_err(CertificateError::Issue)
    }

    /// Reads a key in PEM (PKCS #8).
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        KeyPair::from_pem(pem)
            .map(Self)
            .map_err(CertificateError::ReadKey)
    }

    /// Returns the key in PEM (PKCS #8).
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Makes a certificate for this key that is valid for ten years from `now`.
    ///
    /// All certificates of a key have the same name and key identifier, so that a leaf is verified
    /// by any of them.
    pub fn certify(&self, now: SystemTime) -> Result<AuthorityCertificate, CertificateError> {
        let Validity {
            not_before,
            not_after,
        } = Validity::starting(now, LIFETIME);
        let mut params = CertificateParams::default();
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&self.0)
            .map_err(CertificateError::Issue)?;
        AuthorityCertificate::from_der(certificate.der().clone())
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// Prints nothing of the key.
impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorityKey")
    }
}

const NAME: &str = "oncue CA";
