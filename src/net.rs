//! Listeners: one accept loop for the store's API, the webhook and the admin port.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `bind` | [`bind()`], a listening socket from an address |
//! | `limits` | [`Limits`], how many connections and how long each may keep us waiting |
//! | `metrics` | [`NetMetrics`], what the listeners count |
//! | `shutdown` | [`Shutdown`], the phases of the way down: serving, lingering, draining |
//! | `accept` | the loop: a slot, a connection, a task |
//! | `slots` | how many connections there may be, and how many of one address |
//! | `connection` | one connection: first byte, handshake, HTTP/1.1 or HTTP/2, graceful end |
//! | `origin` | [`Channel`] and [`Peer`], where a request comes from |
//! | `records` | the room for large TLS records and handshakes |
//! | `handshake` | why TLS handshakes fail |
//! | `pace` | the timeouts for heads and idle connections, below HTTP |
//! | `stall` | the timeout for peers that do not read |
//! | `host` | the check of the Host header |
//! | `excerpt` | texts that quote a request |
//! | `problem` | the answer that carries a problem document |
//! | `body` | the timeout for request bodies and what is left of them, and the end of response bodies |
//!
//! hyper is used directly rather than through `axum::serve`, which has no timeouts, no limit of
//! connections and handshakes on the accept path.

mod accept;
mod bind;
mod body;
mod connection;
mod excerpt;
mod handshake;
mod host;
mod limits;
mod metrics;
mod origin;
mod pace;
pub(crate) mod problem;
mod records;
mod shutdown;
mod slots;
mod stall;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpListener;

pub(crate) use self::excerpt::{MAX_EXCERPT_BYTES, excerpt};
pub use self::{
    bind::{BindError, bind},
    body::BodyError,
    limits::{Limits, SMALL_BYTES},
    metrics::NetMetrics,
    origin::{Channel, Peer},
    shutdown::{Phase, Shutdown, ShutdownTrigger},
};

/// A bound socket and how to speak on it.
#[derive(Debug)]
pub struct Endpoint {
    /// Names the listener in logs and metrics.
    pub name: &'static str,
    /// The bound socket.
    pub listener: TcpListener,
    /// What is spoken on it.
    pub transport: Transport,
    /// What its clients may ask of us.
    pub limits: Limits,
}

/// What is spoken on a connection.
#[derive(Clone, Debug)]
pub enum Transport {
    /// HTTP/1.1 over TLS or in the clear, as the first byte of the connection tells.
    Either(Arc<ServerConfig>),
    /// HTTP/1.1 in the clear: the leanest connection there is.
    Plain,
    /// TLS, with HTTP/1.1 or HTTP/2 as ALPN says.
    Tls(Arc<ServerConfig>),
}

/// Serves `router` on `endpoint` until `shutdown` reaches [`Phase::Draining`] and the connections
/// have ended, or the time for it is over.
pub async fn serve(endpoint: Endpoint, router: Router, context: ServeContext) {
    accept::AcceptLoop::new(endpoint, router, context)
        .run()
        .await;
}

/// What all listeners of a process share.
#[derive(Clone, Debug)]
pub struct ServeContext {
    /// Where the process is on its way down.
    pub shutdown: Shutdown,
    /// What the listeners count.
    pub metrics: NetMetrics,
}
