//! What the listeners count.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::handshake::{HandshakeFailures, Labels};

/// Connections and their failures, by listener.
#[derive(Clone, Debug, Default)]
pub struct NetMetrics {
    connections: Family<Listener, Gauge>,
    connections_refused: Family<Listener, Counter>,
    tls_handshake_failures: Family<Labels, Counter>,
}

impl NetMetrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            connections,
            connections_refused,
            tls_handshake_failures,
        } = self;
        registry.register(
            "connections",
            "Open connections, by listener",
            connections.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that were closed at once because their address has its share, by listener",
            connections_refused.clone(),
        );
        registry.register(
            "tls_handshake_failures",
            "Connections that ended before their TLS handshake did, by listener and reason",
            tls_handshake_failures.clone(),
        );
    }

    /// Returns the gauge of a listener's open connections.
    pub(crate) fn connections(&self, listener: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&Listener { listener })
    }

    /// Returns the counter of a listener's refused connections.
    pub(super) fn connections_refused(&self, listener: &'static str) -> Counter {
        self.connections_refused
            .get_or_create_owned(&Listener { listener })
    }

    /// Returns the counters of a listener's failed handshakes.
    pub(super) fn tls_handshake_failures(&self, listener: &'static str) -> HandshakeFailures {
        HandshakeFailures::of(listener, self.tls_handshake_failures.clone())
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Listener {
    listener: &'static str,
}
