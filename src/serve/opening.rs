//! A socket on which nothing is served yet.

use tokio::net::TcpListener;

use crate::admin::Latch;

/// A socket on which nothing is served yet, and the latch to release once something is.
pub(super) struct Opening {
    pub(super) listener: TcpListener,
    pub(super) latch: Latch,
}
