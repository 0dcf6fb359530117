//! The certificates of a certificate authority: public, what clients trust.

use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time};

use crate::{error::CertificateError, validity::Validity};

/// A certificate of a certificate authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorityCertificate {
    der: CertificateDer<'static>,
    public_key: Vec<u8>,
    validity: Validity,
}

impl AuthorityCertificate {
    /// Reads all certificates of a PEM text; at least one.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>, CertificateError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(|der| Self::from_der(der.map_err(|error| CertificateError::read(&error))?))
            .collect::<Result<_, _>>()?;
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        Ok(certificates)
    }

    pub(crate) fn from_der(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|error| CertificateError::read(&error))?;
        if !parsed.is_ca() {
            return Err(CertificateError::NotAnAuthority);
        }
        Ok(Self {
            public_key: parsed.public_key().subject_public_key.data.to_vec(),
            validity: Validity {
                not_before: system_time(parsed.validity().not_before),
                not_after: system_time(parsed.validity().not_after),
            },
            der,
        })
    }

    /// Returns the certificate in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(&pem::Pem::new("CERTIFICATE", self.der.to_vec()))
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Returns from when to when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns the raw public key.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// For how long a certificate authority is valid.
pub(crate) const LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);

fn system_time(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
