//! Claims, renews and releases a Lease.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use k8s_openapi::{
    api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    RELIANCE, SteadyClock,
    candidate::{self, Candidate, Step},
    handle::{Lead, Leadership},
};
use crate::{
    cluster::{ApiError, call_within},
    config::ObjectRef,
    instance,
    net::{Phase, Shutdown},
    outage::Outage,
    store::Staleness,
};

/// The task that claims, renews and releases a Lease.
///
/// Every write names the version of the Lease that was read, so that of several candidates one
/// succeeds.
pub(crate) struct Elector {
    leases: Api<Lease>,
    place: ObjectRef,
    clock: Arc<dyn SteadyClock>,
    candidate: Candidate,
    lead: Lead,
    /// The Lease as this replica wrote it last, unless something failed since.
    written: Option<Lease>,
    outage: Outage,
}

impl Elector {
    /// Returns the candidate for the Lease at `place`, and the leadership that it gains.
    pub(crate) fn new(
        client: Client,
        place: ObjectRef,
        clock: Arc<dyn SteadyClock>,
    ) -> (Self, Leadership) {
        let (lead, leadership) = Leadership::new(Arc::clone(&clock));
        let identity = format!("{}_{:032x}", instance::name(), rand::random::<u128>());
        let elector = Self {
            leases: Api::namespaced(client, place.namespace.as_str()),
            outage: Outage::of(format!("claim of the Lease {place}")),
            place,
            clock,
            candidate: Candidate::new(identity),
            lead,
            written: None,
        };
        (elector, leadership)
    }

    /// Runs until the process stops being ready. Then it leads no more, and another replica takes
    /// over. So does one while this replica may miss what others write.
    pub(crate) async fn run(mut self, shutdown: Shutdown, staleness: Staleness) {
        let mut stop = pin!(shutdown.reached(Phase::Lingering));
        // A round is not interrupted: its result would be unknown.
        loop {
            let pause = if staleness.is_stale() {
                self.stand_aside().await
            } else {
                self.round().await
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = sleep(pause) => {}
            }
        }
        self.step_down().await;
    }

    /// Leads no more, and releases the Lease. Returns the pause until the next look.
    async fn stand_aside(&mut self) -> Duration {
        self.written = None;
        if self.lead.retire().await {
            self.lose("it does not see the cluster's signals");
            self.let_go().await;
        }
        BETWEEN_LOOKS
    }

    /// Claims the Lease if possible. Returns the pause until the next round.
    async fn round(&mut self) -> Duration {
        let claimed = self.claim().await;
        self.note_end();
        match claimed {
            Ok(pause) => {
                self.outage.succeeded();
                pause
            }
            // Another candidate was faster.
            Err(ApiError::Conflict(_)) => AFTER_CONFLICT.mul_f64(0.5 + rand::random::<f64>()),
            Err(error) => {
                self.outage.failed(error.label(), &error.to_string());
                AFTER_FAILURE
            }
        }
    }

    async fn claim(&mut self) -> Result<Duration, ApiError> {
        let found = match self.written.take() {
            Some(written) => Some(written),
            None => self.read().await?,
        };
        // Before the claim is sent: others count from when they see it.
        let now = self.clock.now();
        match self.candidate.see(found.as_ref(), now) {
            Step::Claim => {
                let lease = found.unwrap_or_else(|| self.new_lease());
                let claimed = self.candidate.claim(lease, present());
                self.written = Some(self.write(&claimed).await?);
                self.hold_until(now + RELIANCE);
                Ok(BETWEEN_RENEWALS)
            }
            Step::Wait { until } => {
                self.lose("another replica holds the Lease");
                Ok(until.saturating_sub(now).min(BETWEEN_LOOKS))
            }
        }
    }

    async fn read(&self) -> Result<Option<Lease>, ApiError> {
        call_within(REQUEST, self.leases.get_opt(self.place.name.as_str())).await
    }

    /// Creates a Lease that was not read, and updates one that was.
    async fn write(&self, lease: &Lease) -> Result<Lease, ApiError> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let name = self.place.name.as_str();
        match lease.metadata.resource_version {
            Some(_) => call_within(REQUEST, self.leases.replace(name, &params, lease)).await,
            None => call_within(REQUEST, self.leases.create(&params, lease)).await,
        }
    }

    fn new_lease(&self) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(self.place.name.to_string()),
                ..ObjectMeta::default()
            },
            spec: None,
        }
    }

    fn hold_until(&self, until: Duration) {
        self.note_end();
        if !self.lead.hold_until(until) {
            info!(lease = %self.place, "this replica leads");
        }
    }

    /// Takes note of the end of a Lease that was not renewed. It ends by itself.
    fn note_end(&self) {
        let has_ended = |until| until <= self.clock.now();
        if self.lead.until().is_some_and(has_ended) {
            self.lose("its Lease was not renewed in time");
        }
    }

    fn lose(&self, reason: &'static str) {
        if self.lead.end() {
            warn!(lease = %self.place, reason, "this replica does not lead any more");
        }
    }

    /// Leads no more, and releases the Lease once what it has begun has ended.
    async fn step_down(self) {
        if self.lead.retire().await {
            info!(lease = %self.place, "this replica does not lead any more: it stops");
        }
        self.let_go().await;
    }

    async fn let_go(&self) {
        match self.release().await {
            Ok(true) => info!(lease = %self.place, "released the Lease"),
            Ok(false) => {}
            // Then it ends by itself.
            Err(error) => warn!(lease = %self.place, %error, "failed to release the Lease"),
        }
    }

    /// Returns whether there was anything to release. Reads the Lease: the last claim may have
    /// succeeded without an answer.
    async fn release(&self) -> Result<bool, ApiError> {
        let found = self.read().await?;
        let Some(lease) = found.filter(|lease| self.candidate.holds(lease)) else {
            return Ok(false);
        };
        self.write(&candidate::release(lease, present())).await?;
        Ok(true)
    }
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("place", &self.place)
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

/// The time of day, which is for people only.
fn present() -> MicroTime {
    MicroTime(Timestamp::now())
}

/// The owner of the fields that the elector writes, as the API server notes it.
const FIELD_MANAGER: &str = "oncue-elector";

/// How long the API server may take for one request: so that a leader has several tries before its
/// Lease ends.
const REQUEST: Duration = Duration::from_secs(2);
const BETWEEN_RENEWALS: Duration = Duration::from_secs(2);
/// How often another's Lease is looked at: how long it takes to see that it was released.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
const AFTER_CONFLICT: Duration = Duration::from_millis(100);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
