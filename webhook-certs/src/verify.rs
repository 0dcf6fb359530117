//! What a client would say to a certificate.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{certificate::AuthorityCertificate, error::CertificateError};

/// Verifies a chain for all of these names at `now`, like a client that trusts `trusted`.
pub(crate) fn verify(
    chain: &[CertificateDer<'_>],
    trusted: &[AuthorityCertificate],
    (names, now): (&[ServerName<'_>], SystemTime),
) -> Result<(), CertificateError> {
    let (end_entity, intermediates) = chain.split_first().ok_or(CertificateError::NoCertificate)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().map(|it| it.der().clone()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|_| CertificateError::NoCertificate)?;
    let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
    let now = UnixTime::since_unix_epoch(since_epoch.unwrap_or(Duration::ZERO));
    for name in names {
        let result = verifier.verify_server_cert(end_entity, intermediates, name, &[], now);
        result.map_err(|source| CertificateError::Unverified {
            name: name.to_str().into_owned(),
            source,
        })?;
    }
    Ok(())
}
