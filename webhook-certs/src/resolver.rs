//! What a running server hands out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// A server's certificate that can be swapped: the next handshake gets the new one, connections
/// that are open stay.
#[derive(Debug)]
pub struct SwappableCertificate(ArcSwap<CertifiedKey>);

impl SwappableCertificate {
    /// Starts with `certificate`.
    pub fn new(certificate: CertifiedKey) -> Self {
        Self(ArcSwap::from_pointee(certificate))
    }

    /// Replaces the certificate.
    pub fn swap(&self, certificate: CertifiedKey) {
        self.0.store(Arc::new(certificate));
    }
}

impl ResolvesServerCert for SwappableCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}
