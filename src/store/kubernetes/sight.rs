//! Whether this replica sees what others write.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// How long the watch may fail before this replica counts as stale: longer than a restart of an API
/// server that stands beside others.
const LONGEST_OUTAGE: Duration = Duration::from_secs(15);

/// Tells whether the watch works, and has become stale.
pub(super) struct Sight {
    is_stale: Arc<watch::Sender<bool>>,
    /// When the watch began to fail, if it does.
    failing_since: Option<Instant>,
}

impl Sight {
    pub(super) fn new(is_stale: Arc<watch::Sender<bool>>) -> Self {
        Self {
            is_stale,
            failing_since: None,
        }
    }

    /// Takes note that the watch works.
    pub(super) fn works(&mut self) {
        self.failing_since = None;
        self.is_stale.send_if_modified(std::mem::take);
    }

    /// Takes note that the watch fails.
    pub(super) fn fails(&mut self) {
        self.failing_since.get_or_insert_with(Instant::now);
    }

    /// Waits until the watch has failed for too long, and says so once.
    pub(super) async fn becomes_stale(&self) {
        match self.failing_since.filter(|_| !*self.is_stale.borrow()) {
            Some(since) => sleep_until(since + LONGEST_OUTAGE).await,
            None => std::future::pending().await,
        }
        self.is_stale.send_replace(true);
    }
}
