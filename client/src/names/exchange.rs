//! One conversation with one name server, over UDP and, where an answer did not fit, over TCP.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use super::message::{Family, Query, Received, Reply};

/// How long a family is waited for once the other one has an address. Some servers and connection
/// trackers drop one of two questions that leave a socket together.
const GRACE: Duration = Duration::from_millis(300);

/// More than the 512 bytes of an answer over UDP without EDNS, because some servers send more.
const MAX_DATAGRAM: usize = 4096;

/// A name server and its timeout.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) deadline: Instant,
    /// The resolver's `use-vc`.
    pub(super) over_tcp_only: bool,
}

impl Server {
    /// Asks for all families of a name at once. The result for a family without an answer is
    /// `None`.
    pub(super) fn ask(&self, name: &str, families: &[Family]) -> io::Result<Vec<Option<Reply>>> {
        let queries: Vec<_> = families
            .iter()
            .map(|family| Query {
                id: fastrand::u16(..),
                name: name.to_owned(),
                family: *family,
            })
            .collect();
        let received = if self.over_tcp_only {
            vec![Some(Received::Truncated); queries.len()]
        } else {
            self.over_udp(&queries)?
        };
        received
            .into_iter()
            .zip(&queries)
            .map(|(received, query)| match received {
                Some(Received::Reply(reply)) => Ok(Some(reply)),
                Some(Received::Truncated) => self.over_tcp(query).map(Some),
                None => Ok(None),
            })
            .collect()
    }

    fn over_udp(&self, queries: &[Query]) -> io::Result<Vec<Option<Received>>> {
        let socket = UdpSocket::bind(match self.address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        })?;
        // A connected socket receives from this server alone, and reports a closed port at once.
        socket.connect(self.address)?;
        for query in queries {
            socket.send(&to_bytes(query)?)?;
        }
        self.collect(&socket, queries)
    }

    /// Collects answers, and ignores messages that answer no query.
    fn collect(&self, socket: &UdpSocket, queries: &[Query]) -> io::Result<Vec<Option<Received>>> {
        let mut answers = vec![None; queries.len()];
        let mut deadline = self.deadline;
        let mut datagram = [0; MAX_DATAGRAM];
        while answers.contains(&None) {
            let Some(left) = time_left(deadline) else {
                break;
            };
            socket.set_read_timeout(Some(left))?;
            let length = match socket.recv(&mut datagram) {
                Ok(length) => length,
                Err(error) if is_timeout(&error) => break,
                Err(error) => return Err(error),
            };
            for (query, answer) in queries.iter().zip(&mut answers) {
                if let Some(received) = query.read(&datagram[..length]) {
                    if matches!(received, Received::Reply(Reply::Addresses(_))) {
                        deadline = deadline.min(Instant::now() + GRACE);
                    }
                    *answer = Some(received);
                }
            }
        }
        Ok(answers)
    }

    fn over_tcp(&self, query: &Query) -> io::Result<Reply> {
        let timed_out = || io::Error::from(ErrorKind::TimedOut);
        let left = time_left(self.deadline).ok_or_else(timed_out)?;
        let mut stream = TcpStream::connect_timeout(&self.address, left)?;
        let left = time_left(self.deadline).ok_or_else(timed_out)?;
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))?;
        stream.write_all(&framed(&to_bytes(query)?)?)?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message)?;
        match query.read(&message) {
            Some(Received::Reply(reply)) => Ok(reply),
            Some(Received::Truncated) | None => Err(ErrorKind::InvalidData.into()),
        }
    }
}

fn to_bytes(query: &Query) -> io::Result<Vec<u8>> {
    query.to_bytes().ok_or(ErrorKind::InvalidInput.into())
}

/// Prepends the length, as DNS over TCP requires (RFC 1035, 4.2.2).
fn framed(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    Ok([&length.to_be_bytes(), message].concat())
}

/// Returns the time until `deadline`, or `None` if it has passed, because a socket's timeout must
/// not be zero.
fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
