//! Tells the parts of the process whether it leads.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
};
use tokio::{
    sync::{RwLock, watch},
    time::sleep,
};

use super::SteadyClock;

/// Tells whether this process leads: whether it may do what only one replica may. Cloning it is
/// cheap.
#[derive(Clone, Debug)]
pub(crate) struct Leadership(Option<Tenure>);

/// Leadership for as long as a Lease is held.
#[derive(Clone, Debug)]
struct Tenure {
    clock: Arc<dyn SteadyClock>,
    standing: watch::Receiver<Standing>,
    /// The writes that are under way.
    writes: Arc<RwLock<()>>,
}

/// What a replica may do. Times are by the clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Standing {
    /// Nothing that only one replica may do.
    #[default]
    Follows,
    /// Everything, until then at least.
    Leads { until: Duration },
    /// End what it has begun, until then.
    Retires { until: Duration },
}

/// Gives [`Leadership`], and takes it away.
#[derive(Debug)]
pub(crate) struct Lead {
    standing: watch::Sender<Standing>,
    writes: Arc<RwLock<()>>,
}

/// A write of the leader that was not made, or not to its end, because this replica does not lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this replica does not lead any more")]
pub(crate) struct NotLeader;

impl Leadership {
    /// Returns the leadership of the only replica, which never ends.
    pub(crate) fn sole() -> Self {
        Self(None)
    }

    /// Returns a leadership that is not held yet, and what gives it.
    pub(crate) fn new(clock: Arc<dyn SteadyClock>) -> (Lead, Self) {
        let (sender, standing) = watch::channel(Standing::Follows);
        let writes = Arc::<RwLock<()>>::default();
        let lead = Lead {
            standing: sender,
            writes: Arc::clone(&writes),
        };
        let tenure = Tenure {
            clock,
            standing,
            writes,
        };
        (lead, Self(Some(tenure)))
    }

    /// Returns whether this replica leads now.
    pub(crate) fn is_held(&self) -> bool {
        self.0.as_ref().is_none_or(Tenure::is_held)
    }

    /// Waits until this replica leads.
    pub(crate) async fn gained(&self) {
        if let Some(tenure) = &self.0 {
            tenure.gained().await;
        }
    }

    /// Waits until this replica does not lead.
    pub(crate) async fn lost(&self) {
        match &self.0 {
            Some(tenure) => tenure.ended(Standing::leads_until).await,
            None => std::future::pending().await,
        }
    }

    /// Waits until this replica leads if it does not by `is_held`, and the other way round.
    pub(crate) async fn changes_from(&self, is_held: bool) {
        if is_held {
            self.lost().await;
        } else {
            self.gained().await;
        }
    }

    /// Makes a write that only the leader may make. Does not begin it if this replica does not lead,
    /// and abandons it when the Lease ends.
    pub(crate) async fn write<T>(&self, write: impl Future<Output = T>) -> Result<T, NotLeader> {
        let Some(tenure) = &self.0 else {
            return Ok(write.await);
        };
        let _is_under_way = tenure.writes.read().await;
        if !tenure.is_held() {
            return Err(NotLeader);
        }
        tokio::select! {
            biased;
            () = tenure.ended(Standing::until) => Err(NotLeader),
            written = write => Ok(written),
        }
    }
}

impl Tenure {
    fn is_held(&self) -> bool {
        self.rest(self.standing.borrow().leads_until()).is_some()
    }

    /// Returns how much is left of a time that ends then.
    fn rest(&self, until: Option<Duration>) -> Option<Duration> {
        let rest = until?.checked_sub(self.clock.now())?;
        (!rest.is_zero()).then_some(rest)
    }

    async fn gained(&self) {
        let mut standing = self.standing.clone();
        let is_held = |it: &Standing| self.rest(it.leads_until()).is_some();
        if standing.wait_for(is_held).await.is_err() {
            // Nothing can give it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the end of what lasts until a time, which may move.
    async fn ended(&self, until: fn(Standing) -> Option<Duration>) {
        let mut standing = self.standing.clone();
        loop {
            let present = *standing.borrow_and_update();
            let Some(rest) = self.rest(until(present)) else {
                return;
            };
            tokio::select! {
                Ok(()) = standing.changed() => {}
                () = sleep(rest) => {}
            }
        }
    }
}

impl Standing {
    /// Returns until when this replica leads.
    fn leads_until(self) -> Option<Duration> {
        match self {
            Self::Leads { until } => Some(until),
            Self::Follows | Self::Retires { .. } => None,
        }
    }

    /// Returns until when this replica holds the Lease.
    fn until(self) -> Option<Duration> {
        match self {
            Self::Leads { until } | Self::Retires { until } => Some(until),
            Self::Follows => None,
        }
    }
}

impl Lead {
    /// Leads until then, by the clock. Returns whether it did before, as far as this was told.
    pub(crate) fn hold_until(&self, until: Duration) -> bool {
        let before = self.standing.send_replace(Standing::Leads { until });
        before.leads_until().is_some()
    }

    /// Leads no more. Returns whether it did.
    pub(crate) fn end(&self) -> bool {
        let before = self.standing.send_replace(Standing::Follows);
        before.leads_until().is_some()
    }

    /// Leads no more, and waits until everything has ended that was begun, or the Lease has. Returns
    /// whether it did lead.
    pub(super) async fn retire(&self) -> bool {
        let Some(until) = self.until() else {
            return false;
        };
        self.standing.send_replace(Standing::Retires { until });
        drop(self.writes.write().await);
        true
    }

    /// Returns until when this replica leads, as far as this was told.
    pub(super) fn until(&self) -> Option<Duration> {
        self.standing.borrow().leads_until()
    }
}

/// Shows in metrics whether this replica leads.
impl Collector for Leadership {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(i64::from(self.is_held()));
        let help = "Whether this replica leads: 1 for the holder of the Lease, which does what only one may do";
        let metric = encoder.encode_descriptor("leader", help, None, gauge.metric_type())?;
        gauge.encode(metric)
    }
}
