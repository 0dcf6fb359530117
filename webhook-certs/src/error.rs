//! What can be wrong with keys and certificates.

use std::error::Error;

/// What can be wrong with keys and certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate may not sign others.
    #[error("the certificate is not one of a certificate authority")]
    NotAnAuthority,
    /// There is no certificate at all.
    #[error("no certificate found: expected PEM blocks \"CERTIFICATE\"")]
    NoCertificate,
    /// The certificate belongs to another key.
    #[error("the certificate belongs to another key")]
    KeyMismatch,
    /// A text is not a certificate in PEM.
    #[error("failed to read the certificate: {reason}")]
    ReadCertificate {
        /// What is wrong with it.
        reason: String,
    },
    /// A text is not a private key in PEM that we can sign with.
    #[error(
        "failed to read the private key: expected PKCS #8 (\"BEGIN PRIVATE KEY\") with a key for \
         ECDSA (P-256 or P-384), Ed25519 or RSA"
    )]
    ReadKey,
    /// A certificate could not be made.
    #[error("failed to issue a certificate")]
    Issue(#[source] rcgen::Error),
    /// A certificate cannot be served.
    #[error("failed to load the certificate")]
    Load(#[source] rustls::Error),
    /// Clients would not accept a certificate.
    #[error("the certificate would not be verified for {name}")]
    Unverified {
        /// The name that a client would verify.
        name: String,
        /// What it would say.
        #[source]
        source: rustls::Error,
    },
}

impl CertificateError {
    /// Returns the error with its cause.
    pub fn told(&self) -> String {
        let cause = self.source().map(|cause| format!(": {cause}"));
        format!("{self}{}", cause.unwrap_or_default())
    }

    pub(crate) fn read(reason: &impl ToString) -> Self {
        Self::ReadCertificate {
            reason: reason.to_string(),
        }
    }
}
