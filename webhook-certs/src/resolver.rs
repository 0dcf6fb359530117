//! What a running server hands out.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// A server's certificate that can be swapped: the next handshake gets the new one, connections
/// that are open stay. Without one, handshakes fail.
#[derive(Debug, Default)]
pub struct SwappableCertificate(ArcSwapOption<CertifiedKey>);

impl SwappableCertificate {
    /// Starts with `certificate`.
    pub fn new(certificate: CertifiedKey) -> Self {
        Self(ArcSwapOption::from_pointee(certificate))
    }

    /// Replaces the certificate.
    pub fn swap(&self, certificate: impl Into<Arc<CertifiedKey>>) {
        self.0.store(Some(certificate.into()));
    }
}

impl ResolvesServerCert for SwappableCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}
