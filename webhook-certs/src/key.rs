//! The key of a certificate authority.

use std::{fmt, time::SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose,
};

use crate::{
    certificate::AuthorityCertificate, error::CertificateError, profile::Profile,
    validity::Validity,
};

/// The key of a certificate authority.
///
/// It outlives its certificates. A client that trusts an old certificate trusts what the key signs,
/// as long as the old one is valid.
pub struct AuthorityKey(KeyPair);

impl AuthorityKey {
    /// Makes a new key (ECDSA P-256).
    pub fn generate() -> Result<Self, CertificateError> {
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .map(Self)
            .map_err(CertificateError::Issue)
    }

    /// Reads a key in PEM (PKCS #8).
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        // The error would not say more.
        KeyPair::from_pem(pem)
            .map(Self)
            .map_err(|_| CertificateError::ReadKey)
    }

    /// Returns the key in PEM (PKCS #8).
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Makes the first certificate for this key, which starts `now`.
    pub fn certify(
        &self,
        profile: &Profile,
        now: SystemTime,
    ) -> Result<AuthorityCertificate, CertificateError> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, profile.authority_name.as_str());
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        self.sign(params, profile, now)
    }

    /// Makes another certificate for this key, which starts `now`, with the name and the key
    /// identifier of `former`: so a leaf is verified by either of them.
    pub(crate) fn recertify(
        &self,
        former: &AuthorityCertificate,
        profile: &Profile,
        now: SystemTime,
    ) -> Result<AuthorityCertificate, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = former.subject()?;
        if let Some(identifier) = former.key_identifier()? {
            params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
        }
        self.sign(params, profile, now)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        profile: &Profile,
        now: SystemTime,
    ) -> Result<AuthorityCertificate, CertificateError> {
        let Validity {
            not_before,
            not_after,
        } = Validity::starting(now, profile.authority_validity);
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&self.0)
            .map_err(CertificateError::Issue)?;
        AuthorityCertificate::from_der(certificate.der().clone())
    }

    pub(crate) fn is_that_of(&self, other: &Self) -> bool {
        self.0.public_key_raw() == other.0.public_key_raw()
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
