//! The connections that a listener takes, and how many of them each address may have.

use std::{net::IpAddr, sync::Arc, time::Duration};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tracing::warn;

use super::{NetMetrics, Peer};
use crate::fairness::{NoShare, Part, Shares};

/// The connections that may be open at the same time.
///
/// Each address may have its share of them, because the namespace of a peer is not known yet. Where
/// addresses are translated, many peers share one; it gets most of what is free.
pub(super) struct Slots {
    listener: &'static str,
    free: Arc<Semaphore>,
    shares: Shares<IpAddr>,
    open: Gauge,
    refused: Counter,
    log: RefusalLog,
}

impl Slots {
    pub(super) fn new((listener, limit): (&'static str, usize), metrics: &NetMetrics) -> Self {
        Self {
            listener,
            free: Arc::new(Semaphore::new(limit)),
            shares: Shares::new(limit),
            open: metrics.connections(listener),
            refused: metrics.connections_refused(listener),
            log: RefusalLog::default(),
        }
    }

    /// Waits for a free slot.
    pub(super) async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.free)
            .acquire_owned()
            .await
            .expect("nobody closes the semaphore")
    }

    /// Takes the share of a peer in a slot; `None` if its address has all that it may have.
    pub(super) fn share(&mut self, Peer(peer): Peer) -> Option<Part<IpAddr>> {
        let address = peer.ip();
        let error = match self.shares.take(&address, 1) {
            Ok(share) => return Some(share),
            Err(error) => error,
        };
        self.refused.inc();
        if let Some(refused) = self.log.note(Instant::now()) {
            let own = match error {
                NoShare::Own { own } => own,
                NoShare::AtAll => self.shares.limit(),
            };
            let (listener, limit) = (self.listener, self.shares.limit());
            warn!(
                listener, peer = %address, own, limit, refused,
                "refused connections: the address has its share, and the rest is kept for others"
            );
        }
        None
    }

    pub(super) fn fill(&self, permit: OwnedSemaphorePermit, share: Part<IpAddr>) -> Slot {
        self.open.inc();
        Slot {
            _share: share,
            _permit: permit,
            open: self.open.clone(),
        }
    }
}

/// One open connection. The share is given back first, so that there is one for each permit.
pub(super) struct Slot {
    _share: Part<IpAddr>,
    _permit: OwnedSemaphorePermit,
    open: Gauge,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Refused connections are logged once in a while.
#[derive(Default)]
struct RefusalLog {
    told: Option<Instant>,
    untold: u64,
}

impl RefusalLog {
    /// Takes note of a refused connection; returns how many to log now.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        if self.told.is_some_and(|told| now < told + BETWEEN_LINES) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

const BETWEEN_LINES: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use std::{iter, net::Ipv4Addr};

    use super::*;
    use crate::captured_log::Log;

    fn mk_peer(last: u8) -> Peer {
        Peer::at((Ipv4Addr::new(10, 0, 0, last), 50_000).into())
    }

    /// Opens connections of a peer until one is refused.
    fn open_all(slots: &mut Slots, peer: Peer) -> Vec<Part<IpAddr>> {
        iter::from_fn(|| slots.share(peer)).collect()
    }

    #[test]
    fn an_address_takes_most_of_what_is_free_and_leaves_some_for_others() {
        let mut slots = Slots::new(("test", 900), &NetMetrics::default());
        let first = open_all(&mut slots, mk_peer(1));
        let second = open_all(&mut slots, mk_peer(2));
        assert_eq!((first.len(), second.len()), (800, 88));
        slots.share(mk_peer(3)).unwrap();
        drop(first);
        slots.share(mk_peer(1)).unwrap();
    }

    #[test]
    fn all_slots_are_used_if_no_address_has_many() {
        let mut slots = Slots::new(("test", 200), &NetMetrics::default());
        let open: Vec<_> = (0..200)
            .map(|it| slots.share(mk_peer(it)).unwrap())
            .collect();
        assert_eq!(open.len(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_connections_are_counted_and_logged_once_a_minute() {
        let log = Log::default();
        let _logging = log.start();
        let mut slots = Slots::new(("test", 9), &NetMetrics::default());
        let open = open_all(&mut slots, mk_peer(7));
        assert_eq!(open.len(), 8);
        for _ in 0..2 {
            for _ in 0..5 {
                assert!(slots.share(mk_peer(7)).is_none());
            }
            tokio::time::advance(BETWEEN_LINES).await;
        }
        assert_eq!(slots.refused.get(), 11);
        let text = log.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        for part in [
            "WARN",
            "listener=\"test\"",
            "peer=10.0.0.7",
            "own=8",
            "limit=9",
        ] {
            assert!(lines.iter().all(|it| it.contains(part)), "{part} in {text}");
        }
        assert!(lines[0].ends_with("refused=1"), "{text}");
        assert!(lines[1].ends_with("refused=6"), "{text}");
    }
}
