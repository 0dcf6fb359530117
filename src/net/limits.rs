//! What clients may ask of a listener.

use std::time::Duration;

/// How many connections a listener takes and how long each may keep it waiting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time; further ones wait in the system's backlog. One address may have
    /// at most eight times as many as are free.
    pub connections: usize,
    /// From the accept to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request's head (of the connection, for the first) to its last.
    pub head: Duration,
    /// From the first time a request's body is late to its last byte.
    pub body: Duration,
    /// Between two requests on one connection.
    pub idle: Duration,
    /// For a peer to take a byte of an answer before its connection is dropped.
    pub write: Duration,
    /// From the start of draining until what still runs is cut off.
    pub drain: Duration,
    /// The most that is read ahead, in bytes, and so the longest head: at least 8 KiB.
    pub read_buffer: usize,
    /// The most that TLS keeps of an answer for a peer that does not take it, in bytes.
    pub tls_buffer: usize,
    /// The room of all connections together for TLS records of more than 4 KiB, in bytes: a peer
    /// whose record finds none is dropped.
    pub tls_records: usize,
}

impl Limits {
    /// The store: many connections, each held for long and costing little.
    pub const STORE: Self = Self {
        connections: 20_000,
        read_buffer: 8 * KIB,
        tls_buffer: 4 * KIB,
        ..Self::DEFAULT
    };

    /// The webhook: few connections, each with large requests.
    pub const WEBHOOK: Self = Self {
        connections: 2_000,
        ..Self::DEFAULT
    };

    /// Health and metrics.
    pub const ADMIN: Self = Self {
        connections: 100,
        read_buffer: 8 * KIB,
        drain: Duration::from_secs(1),
        ..Self::DEFAULT
    };

    const DEFAULT: Self = Self {
        connections: 1_000,
        handshake: Duration::from_secs(5),
        head: Duration::from_secs(5),
        body: Duration::from_secs(10),
        // Longer than the 90 s after which Go's clients, the API server among them, let go of an
        // idle connection: the side that sends requests should be the one that closes.
        idle: Duration::from_mins(2),
        write: Duration::from_secs(20),
        drain: Duration::from_secs(10),
        read_buffer: 64 * KIB,
        tls_buffer: 16 * KIB,
        tls_records: 8 * 1024 * KIB,
    };
}

impl Limits {
    /// Returns these limits with `connections` at most.
    #[must_use]
    pub fn with_at_most(self, connections: usize) -> Self {
        Self {
            connections: self.connections.min(connections).max(1),
            ..self
        }
    }

    /// Returns the memory of one connection in the clear, in bytes: all that is read ahead, and a
    /// buffer to write from.
    pub const fn connection_bytes(&self) -> usize {
        self.read_buffer + WRITE_BUFFER
    }

    /// Returns the memory of one connection over TLS, in bytes.
    pub const fn tls_connection_bytes(&self) -> usize {
        self.connection_bytes() + TLS_READ + TLS_STATE + self.tls_buffer
    }
}

/// A body or an answer of this size, in bytes, belongs to the memory of its connection.
pub const SMALL_BYTES: usize = 4 * KIB;

/// What hyper buffers of an answer before it writes, in bytes.
const WRITE_BUFFER: usize = 8 * KIB;

/// What rustls reads at once, and keeps for the next read, in bytes.
const TLS_READ: usize = 4 * KIB;

/// Keys, hashes and queues of a TLS connection, in bytes.
const TLS_STATE: usize = 4 * KIB;

const KIB: usize = 1024;
