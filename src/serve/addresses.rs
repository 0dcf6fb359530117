//! What listens where.

use std::net::SocketAddr;

/// What listens where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// The store, where this process has that role.
    pub store: Option<SocketAddr>,
    /// The webhook, where this process has that role.
    pub webhook: Option<SocketAddr>,
    /// Health and metrics.
    pub admin: SocketAddr,
}
