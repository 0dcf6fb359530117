//! The wait of one gated pod, which the store holds like that of a client.

use std::sync::Arc;

use tracing::warn;

use super::super::until;
use crate::{
    gates::{GateDecision, GateWait, Overdue},
    language::{Owner, Timestamp},
    outage::Pause,
    store::{Answer, Revision, Store, WaitError, WaitRequest, Waiter},
};

/// The wait of one gated pod.
pub(super) struct Waiting {
    store: Store,
    pod: Owner,
    wait: GateWait,
    /// That of the last answer.
    revision: Option<Revision>,
    /// When to decide again although no state changes.
    until: Option<Timestamp>,
    /// Why it is overdue, if it is.
    overdue: Option<Overdue>,
    pause: Pause,
}

impl Waiting {
    pub(super) fn new(store: Store, pod: Owner, wait: GateWait) -> Self {
        Self {
            store,
            pod,
            wait,
            revision: None,
            until: None,
            overdue: None,
            pause: Pause::default(),
        }
    }

    /// Waits until the gate may open; returns at once if it may now.
    pub(super) async fn end(&mut self) {
        self.revision = None;
        while !self.is_over().await {}
    }

    /// Decides about the next answer.
    async fn is_over(&mut self) -> bool {
        let Ok(answer) = self.answer().await else {
            self.pause.after_failure().await;
            return false;
        };
        self.revision = Some(answer.revision);
        let states: Vec<_> = answer.states().collect();
        let (until, overdue) = match self.wait.decide(&states, self.store.now()) {
            GateDecision::Open => return true,
            GateDecision::Overdue { reason, until } => (until, Some(reason)),
            GateDecision::Wait { until } => (until, None),
        };
        // Then, a failure may count that does not yet.
        self.until = until.into_iter().chain(answer.grace.end()).min();
        self.note(overdue);
        false
    }

    /// Waits until a state changes, or time passes. While the store has no room for another waiter,
    /// or may miss something, asks from time to time.
    async fn answer(&mut self) -> Result<Arc<Answer>, WaitError> {
        tokio::select! {
            answer = self.store.wait_for_change(self.request()) => match answer {
                Ok(answer) => {
                    self.pause = Pause::default();
                    return Ok(answer);
                }
                Err(
                    WaitError::OverLimit(_)
                    | WaitError::ShareTaken(_)
                    | WaitError::Stale
                    | WaitError::TooMany { .. },
                ) => {
                    self.pause.after_failure().await;
                }
                Err(error) => return Err(error),
            },
            () = until(self.until, self.store.now()) => {}
        }
        let since = self.wait.since();
        let conditions = self.wait.conditions();
        let judged = self.store.judge_for_pod(&self.pod, since, conditions);
        judged.map(Arc::new)
    }

    fn request(&self) -> WaitRequest {
        WaitRequest {
            who: Waiter {
                namespace: self.pod.namespace.clone(),
                pod: Some(self.pod.name.clone()),
                uid: Some(self.pod.uid.clone()),
                since: self.wait.since(),
            },
            conditions: Arc::clone(self.wait.conditions()),
            revision: self.revision,
            // The pod itself tells us of its release.
            knows_release: true,
        }
    }

    fn note(&mut self, overdue: Option<Overdue>) {
        if self.overdue == overdue {
            return;
        }
        let Owner {
            namespace, name, ..
        } = &self.pod;
        match &overdue {
            Some(Overdue::Failed(terms)) => {
                warn!(%namespace, pod = %name, ?terms, "failed: the gate stays closed");
            }
            Some(Overdue::TimedOut(missing)) => {
                warn!(%namespace, pod = %name, ?missing, "timed out: the gate stays closed");
            }
            None => {}
        }
        self.overdue = overdue;
    }
}
