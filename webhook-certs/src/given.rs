//! A server's certificate that somebody else issues and renews.

use std::{fmt, time::SystemTime};

use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    sign::CertifiedKey,
};

use crate::{
    certificate::AuthorityCertificate, error::CertificateError, leaf::Leaf, validity::Validity,
    verify::verify,
};

/// A certificate chain with its key, and the certificates that clients verify it with.
pub struct Given {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    trusted: Vec<AuthorityCertificate>,
    validity: Validity,
}

/// Three texts in PEM, named like the entries of a Secret of the type `kubernetes.io/tls` as
/// cert-manager writes it.
#[derive(Clone, Copy)]
pub struct GivenPem<'a> {
    /// `tls.crt`: the certificate, then the intermediate ones.
    pub certificate: &'a str,
    /// `tls.key`: the private key.
    pub key: &'a str,
    /// `ca.crt`: the certificates that clients trust.
    pub authority: &'a str,
}

impl Given {
    /// Reads a certificate that is valid `now`, for all of these names.
    pub fn from_pem(
        pem: GivenPem<'_>,
        (names, now): (&[ServerName<'_>], SystemTime),
    ) -> Result<Self, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.certificate.as_bytes())
            .map(|der| der.map_err(|error| CertificateError::read(&error)))
            .collect::<Result<_, _>>()?;
        let first = chain.first().ok_or(CertificateError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes());
        let given = Self {
            validity: AuthorityCertificate::from_der(first.clone())?.validity(),
            key: key.map_err(|_| CertificateError::ReadKey)?,
            trusted: AuthorityCertificate::all_from_pem(pem.authority)?,
            chain,
        };
        given.check_key()?;
        verify(&given.chain, &given.trusted, (names, now))?;
        Ok(given)
    }

    fn check_key(&self) -> Result<(), CertificateError> {
        let provider = rustls::crypto::ring::default_provider();
        let key = self.key.clone_key();
        match CertifiedKey::from_der(self.chain.clone(), key, &provider) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::KeyMismatch),
            Err(_) => Err(CertificateError::ReadKey),
        }
    }

    pub(crate) fn leaf(&self) -> Leaf {
        Leaf::new(self.chain.clone(), self.key.clone_key(), self.validity)
    }

    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Returns the certificates that clients trust.
    pub fn trusted(&self) -> &[AuthorityCertificate] {
        &self.trusted
    }

    /// Returns from when to when the server's certificate is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

/// Prints nothing of the key.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut given = f.debug_struct("Given");
        given.field("validity", &self.validity);
        given.finish_non_exhaustive()
    }
}

/// The same certificate is of the same key.
impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.trusted == other.trusted
    }
}

impl Eq for Given {}
