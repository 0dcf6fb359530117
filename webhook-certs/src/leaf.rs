//! A server's certificate and key.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
    sign::CertifiedKey,
};

use crate::{authority::Authority, error::CertificateError, validity::Validity};

/// A server's certificate and key, valid for seven days: made in memory and never written down.
#[derive(Debug)]
pub struct Leaf {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    validity: Validity,
}

impl Leaf {
    /// Issues a certificate; it ends no later than the authority's own.
    pub(crate) fn issue(
        names: &[ServerName<'static>],
        now: SystemTime,
        authority: &Authority,
    ) -> Result<Self, CertificateError> {
        let mut validity = Validity::starting(now, LIFETIME);
        validity.not_after = validity.not_after.min(authority.validity().not_after);
        let params = params(names, validity).map_err(CertificateError::Issue)?;
        let issuer =
            Issuer::from_ca_cert_der(authority.certificate().der(), authority.key().pair())
                .map_err(CertificateError::Issue)?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .map_err(CertificateError::Issue)?;
        let certificate = params
            .signed_by(&key, &issuer)
            .map_err(CertificateError::Issue)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: key.serialize_der().into(),
            validity,
        })
    }

    /// Returns from when to when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns what a server signs its handshakes with.
    pub fn into_certified_key(
        self,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, CertificateError> {
        CertifiedKey::from_der(vec![self.certificate], self.key.into(), provider)
            .map_err(CertificateError::Load)
    }
}

fn params(
    names: &[ServerName<'static>],
    validity: Validity,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.not_before = validity.not_before.into();
    params.not_after = validity.not_after.into();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, NAME);
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

const LIFETIME: Duration = Duration::from_hours(7 * 24);
const NAME: &str = "oncue";
