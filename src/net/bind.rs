//! A listening socket from an address.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

/// Why no socket listens on an address.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}: {}", explain(.cause))]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said, which the message tells in words.
    pub cause: io::Error,
}

/// Listens on `address`; `[::]` takes IPv4 as well, and alone where the system has no IPv6.
///
/// Must be called within a tokio runtime.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address)
        .or_else(|cause| without_ipv6(address, &cause).map_or(Err(cause), listen))
        .map_err(|cause| BindError { address, cause })
}

/// Returns what "all addresses" means on a system that knows no IPv6.
fn without_ipv6(address: SocketAddr, cause: &io::Error) -> Option<SocketAddr> {
    let is_unknown = Errno::from_io_error(cause) == Some(Errno::AFNOSUPPORT);
    let is_all = address.is_ipv6() && address.ip().is_unspecified();
    (is_unknown && is_all).then(|| (Ipv4Addr::UNSPECIFIED, address.port()).into())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // The default depends on the system; "all addresses" has to mean both families.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    drop_vanished_peers(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Sets what every accepted connection inherits: a peer that is gone without a word, or that
/// leaves what was sent to it unread, is dropped within 30 s. One that is merely quiet is not.
fn drop_vanished_peers(socket: &Socket) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(FIRST_PROBE)
        .with_interval(NEXT_PROBES)
        .with_retries(2);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD))?;
    socket.set_send_buffer_size(SEND_BUFFER)
}

/// After how long a quiet peer is probed for the first time.
const FIRST_PROBE: Duration = Duration::from_secs(15);

const NEXT_PROBES: Duration = Duration::from_secs(5);

/// How long what was sent may stay unacknowledged, or find no room with the peer.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(25);

/// The most bytes that the system keeps for a peer that does not read; by default it would grow to
/// megabytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Thousands of waiters come back at once after a restart.
const BACKLOG: i32 = 4096;

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the address is in use by another process".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied (ports below 1024 need a privilege)".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn reports_the_real_port_for_port_zero() {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), 0);
    }

    #[tokio::test]
    async fn unspecified_ipv6_takes_ipv4_as_well() {
        let listener = bind((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn accepted_connections_drop_peers_that_vanish() {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (_peer, accepted) = tokio::join!(connecting, listener.accept());
        let (stream, _) = accepted.unwrap();
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let probes = socket.tcp_keepalive_interval().unwrap() * 2;
        let quiet = socket.tcp_keepalive_time().unwrap() + probes;
        assert!(quiet < Duration::from_secs(30), "{quiet:?}");
        let unread = socket.tcp_user_timeout().unwrap().unwrap();
        assert!(unread < Duration::from_secs(30), "{unread:?}");
    }

    #[test]
    fn all_addresses_are_those_of_ipv4_on_a_system_without_ipv6() {
        let no_ipv6 = io::Error::from(Errno::AFNOSUPPORT);
        let all: SocketAddr = (Ipv6Addr::UNSPECIFIED, 9999).into();
        let of_ipv4 = (Ipv4Addr::UNSPECIFIED, 9999).into();
        assert_eq!(without_ipv6(all, &no_ipv6), Some(of_ipv4));
        // One address is not another, and a port that is taken stays taken.
        let one = (Ipv6Addr::LOCALHOST, 9999).into();
        assert_eq!(without_ipv6(one, &no_ipv6), None);
        let taken = io::Error::from(Errno::ADDRINUSE);
        assert_eq!(without_ipv6(all, &taken), None);
    }

    #[tokio::test]
    async fn says_that_an_address_is_taken() {
        let first = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("failed to listen on {address}: the address is in use by another process")
        );
    }
}
