//! Where a request comes from: extensions of every request.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use http::Extensions;
pub use oncue_core::access::Channel;

/// The address at the other end of a request's connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Peer(pub SocketAddr);

impl Peer {
    /// Returns the peer at `address`; one of IPv4 is written as such on a socket of IPv6 too.
    pub fn at(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self(SocketAddr::new(ip, address.port()))
    }

    /// Returns the address from which a request with these extensions came; `0.0.0.0` for one that
    /// came over no connection.
    pub(crate) fn address(extensions: &Extensions) -> IpAddr {
        let peer = extensions.get::<Self>();
        peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |Self(peer)| peer.ip())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_peer_is_written_as_such_on_a_socket_of_ipv6() {
        for (address, expected) in [
            ("[::ffff:10.0.0.7]:80", "10.0.0.7:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("[fd00::7]:80", "[fd00::7]:80"),
        ] {
            let peer = Peer::at(address.parse().unwrap());
            assert_eq!(peer.to_string(), expected);
        }
    }
}
