//! The accept loop: a slot, a connection, a task.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info, warn};

use super::{
    Endpoint, Peer, Phase, ServeContext, Transport,
    connection::{Accepted, Shared, Tls, serve_either, serve_plain, serve_tls},
    records::RecordRoom,
    slots::{Slot, Slots},
};

/// Accepts connections and owns the tasks that serve them.
pub(crate) struct AcceptLoop {
    listener: TcpListener,
    speech: Speech,
    shared: Arc<Shared>,
    slots: Slots,
    health: AcceptHealth,
}

impl AcceptLoop {
    pub(crate) fn new(endpoint: Endpoint, router: Router, context: ServeContext) -> Self {
        let Endpoint {
            name,
            listener,
            transport,
            limits,
        } = endpoint;
        let ServeContext { shutdown, metrics } = context;
        let tls = |config| Tls {
            acceptor: TlsAcceptor::from(config),
            failures: metrics.tls_handshake_failures(name),
            records: RecordRoom::new(limits.tls_records),
        };
        let speech = match transport {
            Transport::Either(config) => Speech::Either(tls(only_http1(&config))),
            Transport::Plain => Speech::Plain,
            Transport::Tls(config) => Speech::Tls(tls(config)),
        };
        Self {
            listener,
            speech,
            slots: Slots::new((name, limits.connections), &metrics),
            health: AcceptHealth::Good,
            shared: Arc::new(Shared {
                name,
                router,
                limits,
                shutdown,
            }),
        }
    }

    /// Accepts until draining begins, then waits for the connections to end.
    pub(crate) async fn run(mut self) {
        let mut connections = JoinSet::new();
        let draining = self.shared.shutdown.clone().reached(Phase::Draining);
        let mut draining = std::pin::pin!(draining);
        loop {
            tokio::select! {
                () = &mut draining => break,
                Some(ended) = connections.join_next() => self.report(ended),
                (accepted, slot) = self.next_connection() => {
                    self.spawn(accepted, slot, &mut connections);
                }
            }
        }
        self.drain(connections).await;
    }

    fn spawn(&self, accepted: Accepted, slot: Slot, connections: &mut JoinSet<()>) {
        let shared = Arc::clone(&self.shared);
        match self.speech.clone() {
            Speech::Either(tls) => connections.spawn(async move {
                serve_either(accepted, tls, shared).await;
                drop(slot);
            }),
            Speech::Plain => connections.spawn(async move {
                serve_plain(accepted, shared).await;
                drop(slot);
            }),
            Speech::Tls(tls) => connections.spawn(async move {
                serve_tls(accepted, tls, shared).await;
                drop(slot);
            }),
        };
    }

    /// Waits for a free slot and a connection. Nothing is lost when this is dropped half way.
    async fn next_connection(&mut self) -> (Accepted, Slot) {
        let permit = self.slots.take().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    self.recover();
                    let peer = Peer::at(address);
                    // One that is refused is closed at once.
                    if let Some(share) = self.slots.share(peer) {
                        // Fails only on a connection that is already gone.
                        let _ = stream.set_nodelay(true);
                        let slot = self.slots.fill(permit, share);
                        return (Accepted { stream, peer }, slot);
                    }
                }
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    /// Logs the end of a time in which no connection could be accepted.
    fn recover(&mut self) {
        if self.health == AcceptHealth::Failing {
            info!(listener = self.shared.name, "accepts connections again");
        }
        self.health = AcceptHealth::Good;
    }

    /// Waits after a failed accept: a moment, unless only that one connection failed.
    async fn back_off(&mut self, error: &io::Error) {
        if is_of_one_connection(error) {
            return;
        }
        if self.health == AcceptHealth::Good {
            let listener = self.shared.name;
            error!(listener, %error, "failed to accept connections");
        }
        self.health = AcceptHealth::Failing;
        sleep(ACCEPT_BACK_OFF).await;
    }

    async fn drain(self, mut connections: JoinSet<()>) {
        let Self {
            listener, shared, ..
        } = self;
        // From now on clients are refused rather than left in the backlog.
        drop(listener);
        let listener = shared.name;
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(shared.limits.drain, all_ended).await.is_err() {
            warn!(
                listener,
                connections = connections.len(),
                "cut off connections"
            );
            connections.shutdown().await;
        }
        info!(listener, "drained");
    }

    fn report(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            let listener = self.shared.name;
            error!(listener, %error, "a connection's task panicked");
        }
    }
}

/// What is spoken on the connections of a listener.
#[derive(Clone)]
enum Speech {
    Either(Tls),
    Plain,
    Tls(Tls),
}

/// Whether accepting has failed since it last worked: it is logged once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum AcceptHealth {
    Good,
    Failing,
}

/// Returns the same configuration without HTTP/2: many requests on one connection would be held for
/// the memory of one.
fn only_http1(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);
