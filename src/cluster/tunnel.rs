//! A port of this machine that leads to the store in a cluster.
//!
//! It works like `kubectl port-forward`, but each connection selects a pod of its own, so that a
//! tunnel survives the pod.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

/// Opens connections to the far end of a tunnel.
pub(crate) trait Dial: Send + Sync + 'static {
    /// Why there is none.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Opens one.
    fn dial(&self) -> impl Future<Output = Result<Connection, Self::Error>> + Send;
}

/// One connection to the far end.
pub(crate) struct Connection {
    /// What is sent and received.
    pub stream: Box<dyn Stream>,
    /// What the far end says when it ends the connection for a reason.
    pub trouble: Box<dyn Future<Output = Option<String>> + Send + Unpin>,
}

/// What bytes go in and come out of.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A port of this machine that leads elsewhere, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Tunnel {
    address: SocketAddr,
    trouble: Trouble,
    /// Owns the listener and every connection.
    _tasks: JoinSet<()>,
}

impl Tunnel {
    /// Opens a tunnel, and one connection through it, so that what is wrong is known at once.
    pub(crate) async fn open<D: Dial>(far_end: D) -> Result<Self, TunnelError<D::Error>> {
        let first = far_end.dial().await.map_err(TunnelError::Dial)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(TunnelError::Listen)?;
        let address = listener.local_addr().map_err(TunnelError::Listen)?;
        let trouble = Trouble::default();
        let entrance = Entrance {
            far_end: Arc::new(far_end),
            first: Some((Instant::now(), first)),
            trouble: trouble.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(entrance.serve(listener));
        Ok(Self {
            address,
            trouble,
            _tasks: tasks,
        })
    }

    /// Returns where it begins on this machine.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what went wrong with the last connection, unless it has gone well since.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.last()
    }
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError<E: std::error::Error + 'static> {
    /// The far end cannot be reached.
    #[error(transparent)]
    Dial(E),
    /// There is no port for it.
    #[error("failed to listen on this machine")]
    Listen(#[source] io::Error),
}

/// What went wrong last.
#[derive(Clone, Debug, Default)]
struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    fn last(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// The near end of a tunnel.
struct Entrance<D> {
    far_end: Arc<D>,
    /// The connection that was opened with the tunnel, and when.
    first: Option<(Instant, Connection)>,
    trouble: Trouble,
}

impl<D: Dial> Entrance<D> {
    async fn serve(mut self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((near, _)) => {
                            connections.spawn(self.connect(near));
                        }
                        Err(error) => self.trouble.set(Some(error.to_string())),
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Returns the life of one connection.
    fn connect(&mut self, mut near: TcpStream) -> impl Future<Output = ()> + use<D> {
        let fresh = |(opened, _): &(Instant, Connection)| opened.elapsed() < STALE;
        let first = self.first.take().filter(fresh);
        let far_end = Arc::clone(&self.far_end);
        let trouble = self.trouble.clone();
        async move {
            let far = match first {
                Some((_, first)) => Ok(first),
                None => far_end.dial().await,
            };
            // The near end is closed once its trouble can be read.
            trouble.set(match far {
                Ok(far) => forward(&mut near, far).await,
                Err(error) => Some(error.to_string()),
            });
        }
    }
}

/// Copies both ways until both sides have ended; returns what the far end complains of.
async fn forward(near: &mut TcpStream, far: Connection) -> Option<String> {
    let Connection {
        mut stream,
        trouble,
    } = far;
    tokio::select! {
        // The reader on either side notices that the other side is gone.
        _ = copy_bidirectional(near, &mut stream) => None,
        Some(trouble) = trouble => Some(trouble),
    }
}

/// Maximum number of connections. Commands open one or two.
const MAX_CONNECTIONS: usize = 16;

/// Time after which an idle connection is not used any more, because the store closes idle ones.
const STALE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, future};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Hands out what is prepared, one after the other.
    #[derive(Default)]
    struct Prepared(Mutex<VecDeque<Result<Connection, io::Error>>>);

    impl Dial for Prepared {
        type Error = io::Error;

        async fn dial(&self) -> Result<Connection, io::Error> {
            let next = self.0.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Err(io::Error::other("nothing is prepared")))
        }
    }

    fn mk_far_end(ends: impl IntoIterator<Item = Result<Connection, io::Error>>) -> Prepared {
        Prepared(Mutex::new(ends.into_iter().collect()))
    }

    /// A connection that ends when the stream does, and its other side.
    fn mk_connection() -> (Connection, DuplexStream) {
        let (near, far) = duplex(64);
        let connection = Connection {
            stream: Box::new(near),
            trouble: Box::new(future::pending()),
        };
        (connection, far)
    }

    async fn mk_client(tunnel: &Tunnel) -> TcpStream {
        TcpStream::connect(tunnel.address()).await.unwrap()
    }

    async fn assert_passes(client: &mut TcpStream, pod: &mut DuplexStream) {
        let mut heard = [0; 4];
        client.write_all(b"ping").await.unwrap();
        pod.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");
        pod.write_all(b"pong").await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"pong");
    }

    #[tokio::test]
    async fn carries_bytes_both_ways_until_the_pod_ends() {
        let (connection, mut pod) = mk_connection();
        let tunnel = Tunnel::open(mk_far_end([Ok(connection)])).await.unwrap();
        let mut client = mk_client(&tunnel).await;
        assert_passes(&mut client, &mut pod).await;
        drop(pod);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn each_connection_finds_its_own_way() {
        let (first, first_pod) = mk_connection();
        let (second, mut second_pod) = mk_connection();
        let far_end = mk_far_end([Ok(first), Ok(second)]);
        let tunnel = Tunnel::open(far_end).await.unwrap();
        let mut client = mk_client(&tunnel).await;
        drop(first_pod);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        let mut again = mk_client(&tunnel).await;
        assert_passes(&mut again, &mut second_pod).await;
        assert_eq!(tunnel.trouble(), None);
    }

    #[tokio::test]
    async fn nothing_is_opened_where_the_far_end_is_out_of_reach() {
        let error = Tunnel::open(mk_far_end([])).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing is prepared");
    }

    #[tokio::test]
    async fn says_why_a_later_connection_fails() {
        let (first, _pod) = mk_connection();
        let gone = Err(io::Error::other("no pod is ready"));
        let tunnel = Tunnel::open(mk_far_end([Ok(first), gone])).await.unwrap();
        let _first = mk_client(&tunnel).await;
        let mut second = mk_client(&tunnel).await;
        assert_eq!(second.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(tunnel.trouble().unwrap(), "no pod is ready");
    }

    #[tokio::test]
    async fn passes_on_what_the_far_end_complains_of() {
        let (connection, _pod) = mk_connection();
        let refused = Connection {
            trouble: Box::new(future::ready(Some("connection refused".to_owned()))),
            ..connection
        };
        let tunnel = Tunnel::open(mk_far_end([Ok(refused)])).await.unwrap();
        let mut client = mk_client(&tunnel).await;
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(tunnel.trouble().unwrap(), "connection refused");
    }

    #[tokio::test]
    async fn ends_with_its_owner() {
        let (connection, mut pod) = mk_connection();
        let tunnel = Tunnel::open(mk_far_end([Ok(connection)])).await.unwrap();
        let mut client = mk_client(&tunnel).await;
        assert_passes(&mut client, &mut pod).await;
        drop(tunnel);
        assert_eq!(pod.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_nobody_used_for_long_is_not_trusted() {
        let (first, _first_pod) = mk_connection();
        let (second, mut second_pod) = mk_connection();
        let far_end = mk_far_end([Ok(first), Ok(second)]);
        let tunnel = Tunnel::open(far_end).await.unwrap();
        tokio::time::advance(STALE).await;
        let mut client = mk_client(&tunnel).await;
        assert_passes(&mut client, &mut second_pod).await;
    }
}
