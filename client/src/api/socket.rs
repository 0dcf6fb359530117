//! TCP connections that do not wait long for a store that is gone.
//!
//! A node that stops for good closes no connection, and the Service sends new connections to its pod
//! for up to a minute. So the kernel checks an idle connection every few seconds, and a connection
//! that is not accepted soon is tried again: the Service chooses among its pods anew.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};
use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, ShutdownHandle, Transport,
    },
};

/// How long a connection may be silent before the kernel asks the other side whether it is there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(3);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_RETRIES: u32 = 3;

/// How long the other side may leave anything unacknowledged, a check of the kernel or a request.
const USER_TIMEOUT: Duration = Duration::from_secs(6);

/// Opens TCP connections.
#[derive(Debug)]
pub(super) struct SocketConnector;

impl Connector<()> for SocketConnector {
    type Out = Socket;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<Socket>, Error> {
        let ConnectionDetails {
            addrs,
            config,
            timeout,
            ..
        } = details;
        let limit = limit(*timeout)?;
        let stream = connect(addrs, limit, |address, patience| {
            TcpStream::connect_timeout(&address, patience)
        });
        let stream = stream.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Error::Timeout(timeout.reason),
            _ => Error::Io(error),
        })?;
        stream.set_nodelay(true)?;
        notice_a_dead_peer(&stream)?;
        let stream = Arc::new(stream);
        let handle = Arc::downgrade(&stream) as Weak<dyn ShutdownHandle>;
        (details.register_shutdown)(handle)?;
        Ok(Some(Socket {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        }))
    }
}

/// Tries all addresses again and again, until one accepts, none is silent, or the time is over.
fn connect<T>(
    addresses: &[SocketAddr],
    limit: Duration,
    try_one: impl Fn(SocketAddr, Duration) -> io::Result<T>,
) -> io::Result<T> {
    let begin = Instant::now();
    for round in 0.. {
        let mut failure = io::Error::from(ErrorKind::ConnectionRefused);
        let mut is_silent = false;
        for address in addresses {
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            match try_one(*address, patience(round).min(left)) {
                Ok(connected) => return Ok(connected),
                Err(error) if error.kind() == ErrorKind::TimedOut => is_silent = true,
                Err(error) => failure = error,
            }
        }
        if !is_silent {
            return Err(failure);
        }
    }
    Err(ErrorKind::TimedOut.into())
}

/// Returns how long an address may be silent in a round of tries. Within a cluster, one that lives
/// accepts within milliseconds, unless thousands of clients turn to it at once: then more tries would
/// only add to them.
fn patience(round: u32) -> Duration {
    Duration::from_millis(match round {
        ..4 => 250,
        4..6 => 500,
        6.. => 1_000,
    })
}

fn notice_a_dead_peer(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// An open TCP connection.
#[derive(Debug)]
pub(super) struct Socket {
    /// Shared with the agent, which can shut it down.
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(Some(limit(timeout)?))?;
        let output = &self.buffers.output()[..amount];
        let written = (&*self.stream).write_all(output);
        written.map_err(|error| failure(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let begin = Instant::now();
        let limit = limit(timeout)?;
        let input = self.buffers.input_append_buf();
        loop {
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            self.stream.set_read_timeout(Some(left))?;
            match (&*self.stream).read(input) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failure(error, timeout)),
            }
        }
    }

    /// Nothing may arrive while nothing was asked for.
    fn is_open(&mut self) -> bool {
        let peek = || {
            self.stream.set_nonblocking(true)?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false)?;
            peeked
        };
        peek().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// Returns the time that is left. Every request of ours has a limit.
fn limit(timeout: NextTimeout) -> Result<Duration, Error> {
    let left = (*timeout.after).min(LONGEST);
    if left.is_zero() {
        Err(Error::Timeout(timeout.reason))
    } else {
        Ok(left)
    }
}

/// A timeout of the call, and not one that the kernel found out, is told as such.
fn failure(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

/// Longer than any request, for those without a limit.
const LONGEST: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, net::TcpListener};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn mk_addresses(count: u16) -> Vec<SocketAddr> {
        let address = |port| SocketAddr::from(([10, 0, 0, 1], port));
        (1..=count).map(address).collect()
    }

    /// Connects to addresses that fail in turn like this and then accept; returns the ports that
    /// were tried with their timeouts in ms, and the result.
    fn tried(addresses: u16, failures: &[ErrorKind]) -> (Vec<(u16, u128)>, io::Result<()>) {
        let tries = RefCell::new(Vec::new());
        let connected = connect(&mk_addresses(addresses), LIMIT, |address, patience| {
            let mut tries = tries.borrow_mut();
            tries.push((address.port(), patience.as_millis()));
            match failures.get(tries.len() - 1) {
                Some(failure) => Err((*failure).into()),
                None => Ok(()),
            }
        });
        (tries.into_inner(), connected)
    }

    #[test]
    fn an_address_that_is_silent_is_tried_again_and_again_with_more_patience() {
        let (tries, connected) = tried(1, &[ErrorKind::TimedOut; 11]);
        connected.unwrap();
        let patience: Vec<_> = tries.iter().map(|(_, patience)| *patience).collect();
        assert_eq!(patience[..6], [250, 250, 250, 250, 500, 500]);
        assert_eq!(patience[6..], [1_000; 6]);
    }

    #[test]
    fn each_address_has_its_turn() {
        let (tries, connected) = tried(2, &[ErrorKind::TimedOut, ErrorKind::ConnectionRefused]);
        connected.unwrap();
        assert_eq!(tries, [(1, 250), (2, 250), (1, 250)]);
    }

    #[test]
    fn a_refusal_by_all_addresses_is_told_at_once() {
        let (tries, connected) = tried(2, &[ErrorKind::ConnectionRefused; 9]);
        assert_eq!(tries.len(), 2);
        assert_eq!(connected.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn gives_up_when_the_time_is_over() {
        let silent = |_, _| Err::<(), _>(ErrorKind::TimedOut.into());
        let connected = connect(&mk_addresses(1), Duration::ZERO, silent);
        assert_eq!(connected.unwrap_err().kind(), ErrorKind::TimedOut);
        let none = connect(&[], LIMIT, silent);
        assert_eq!(none.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dead_peer_is_noticed_within_seconds() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        notice_a_dead_peer(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let found_out = socket.tcp_keepalive_time().unwrap()
            + socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(found_out, Duration::from_secs(6));
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
    }
}
