//! What the listeners count.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Connections and their failures, by listener.
#[derive(Clone, Debug, Default)]
pub struct NetMetrics {
    connections: Family<Listener, Gauge>,
    tls_handshake_failures: Family<Listener, Counter>,
}

impl NetMetrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            connections,
            tls_handshake_failures,
        } = self;
        registry.register(
            "connections",
            "Open connections, by listener",
            connections.clone(),
        );
        registry.register(
            "tls_handshake_failures",
            "Connections that ended before their TLS handshake did, by listener",
            tls_handshake_failures.clone(),
        );
    }

    /// Returns the gauge of a listener's open connections.
    pub(crate) fn connections(&self, listener: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&Listener { listener })
    }

    /// Returns the counter of a listener's failed handshakes.
    pub(crate) fn tls_handshake_failures(&self, listener: &'static str) -> Counter {
        self.tls_handshake_failures
            .get_or_create_owned(&Listener { listener })
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Listener {
    listener: &'static str,
}
