//! Peers whose tokens were refused too often: whoever makes up tokens must not make the API server
//! busy, nor keep others from being reviewed.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

use oncue_core::token_bucket::TokenBucket;

use crate::language::Timestamp;

/// How many tokens of each peer may still be refused.
///
/// Peers share buckets, whose number is fixed: which ones do, nobody can predict.
#[derive(Debug)]
pub(super) struct Suspects {
    buckets: Vec<TokenBucket>,
    hasher: RandomState,
}

impl Suspects {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![TokenBucket::new(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE); BUCKETS],
            hasher: RandomState::new(),
        }
    }

    /// Takes one of the refusals that a peer may still have, before a token of it is reviewed.
    /// Returns whether there was one.
    pub(super) fn take(&mut self, peer: IpAddr, now: Timestamp) -> bool {
        self.bucket(peer).take(1, now)
    }

    /// Gives it back: the token was valid, or nobody knows.
    pub(super) fn put_back(&mut self, peer: IpAddr) {
        self.bucket(peer).put_back(1);
    }

    fn bucket(&mut self, peer: IpAddr) -> &mut TokenBucket {
        let hash = self.hasher.hash_one(network(peer));
        let index = usize::try_from(hash % BUCKETS as u64).unwrap_or_default();
        &mut self.buckets[index]
    }
}

/// Returns what one host has: an address of IPv4, or a network of IPv6, of which it can take any
/// address.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
    }
}

/// As many as a node has pods that share its address, and that all start at once.
const REFUSALS_AT_ONCE: u64 = 64;

const REFUSALS_PER_SECOND: u64 = 1;

const BUCKETS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(suspects: &mut Suspects, peer: &str, millis: u64) -> usize {
        let (peer, now) = (peer.parse().unwrap(), Timestamp::from_millis(millis));
        (0..1_000).filter(|_| suspects.take(peer, now)).count()
    }

    #[test]
    fn a_peer_whose_tokens_are_refused_gets_few_more_reviews() {
        let mut suspects = Suspects::new();
        assert_eq!(taken(&mut suspects, "10.0.0.1", 1_000_000), 64);
        assert_eq!(taken(&mut suspects, "10.0.0.1", 1_000_000), 0);
        assert_eq!(taken(&mut suspects, "10.0.0.1", 1_003_000), 3);
    }

    #[test]
    fn valid_tokens_cost_nothing() {
        let mut suspects = Suspects::new();
        let peer = "10.0.0.1".parse().unwrap();
        for _ in 0..1_000 {
            assert!(suspects.take(peer, Timestamp::from_millis(1)));
            suspects.put_back(peer);
        }
    }

    #[test]
    fn few_peers_share_a_bucket_and_a_network_of_ipv6_always_does() {
        let mut suspects = Suspects::new();
        taken(&mut suspects, "fd00::1", 1_000_000);
        assert_eq!(taken(&mut suspects, "fd00::2:3:4:5", 1_000_000), 0);
        let others = (0..100).map(|i| format!("10.0.0.{i}"));
        let left = others.map(|peer| taken(&mut suspects, &peer, 1_000_000));
        assert!(left.filter(|taken| *taken == 64).count() > 80);
    }
}
