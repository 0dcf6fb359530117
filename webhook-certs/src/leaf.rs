//! A server's certificate and key.

use std::{net::IpAddr, time::SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    sign::CertifiedKey,
};

use crate::{authority::Authority, error::CertificateError, profile::Profile, validity::Validity};

/// A server's certificate and key: in memory, and never written down.
#[derive(Debug)]
pub struct Leaf {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    validity: Validity,
}

impl Leaf {
    /// Issues a certificate; it ends no later than the authority's own.
    pub(crate) fn issue(
        names: &[ServerName<'static>],
        (profile, now): (&Profile, SystemTime),
        authority: &Authority,
    ) -> Result<Self, CertificateError> {
        let mut validity = Validity::starting(now, profile.leaf_validity);
        validity.not_after = validity.not_after.min(authority.validity().not_after);
        let params = params(names, validity, &profile.server_name);
        let params = params.map_err(CertificateError::Issue)?;
        let issuer =
            Issuer::from_ca_cert_der(authority.certificate().der(), authority.key().pair())
                .map_err(CertificateError::Issue)?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .map_err(CertificateError::Issue)?;
        let certificate = params
            .signed_by(&key, &issuer)
            .map_err(CertificateError::Issue)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(Self::new(
            vec![certificate.der().clone()],
            key.into(),
            validity,
        ))
    }

    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        validity: Validity,
    ) -> Self {
        Self {
            chain,
            key,
            validity,
        }
    }

    /// Returns from when to when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// Returns the key in PEM, for a server that takes it in this form.
    pub fn key_pem(&self) -> String {
        pem::encode(&pem::Pem::new("PRIVATE KEY", self.key.secret_der()))
    }

    /// Returns the certificate with those that lead from it to one that clients trust.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Returns what a server signs its handshakes with.
    pub fn into_certified_key(
        self,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, CertificateError> {
        CertifiedKey::from_der(self.chain, self.key, provider).map_err(CertificateError::Load)
    }
}

fn params(
    names: &[ServerName<'static>],
    validity: Validity,
    common_name: &str,
) -> Result<CertificateParams, rcgen::Error> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.not_before = validity.not_before.into();
    params.not_after = validity.not_after.into();
    params.distinguished_name = name;
    params.subject_alt_names = names.iter().map(subject).collect::<Result<_, _>>()?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn subject(name: &ServerName<'static>) -> Result<SanType, rcgen::Error> {
    match name {
        ServerName::IpAddress(ip) => Ok(SanType::IpAddress(IpAddr::from(*ip))),
        name => Ok(SanType::DnsName(name.to_str().as_ref().try_into()?)),
    }
}
