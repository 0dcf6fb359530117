//! The pods of the cluster that wait, as the controller sees them.

use std::collections::{HashMap, HashSet};

use super::Waiter;
use crate::{life::Timestamp, waiting_pod::WaitingPod};

/// The pods that wait, by their uid: at most those that exist.
#[derive(Debug, Default)]
pub(super) struct WaitingPods {
    is_fed: bool,
    created: HashMap<Box<str>, Timestamp>,
}

impl WaitingPods {
    /// Takes note that someone tells of pods from now on.
    pub(super) fn expect(&mut self) {
        self.is_fed = true;
    }

    pub(super) fn put(&mut self, WaitingPod { id, created }: WaitingPod) {
        self.created.insert(id.uid, created);
    }

    pub(super) fn remove(&mut self, uid: &str) {
        self.created.remove(uid);
    }

    /// Removes all others than these.
    pub(super) fn retain(&mut self, uids: &HashSet<Box<str>>) {
        self.created.retain(|uid, _| uids.contains(uid));
        self.created.shrink_to_fit();
    }

    /// Returns when a waiter was created; `None` if it is no pod of the cluster.
    ///
    /// A pod that the controller has not told of yet counts as created when its wait began.
    pub(super) fn created(&self, who: &Waiter) -> Option<Timestamp> {
        let uid = who.uid.as_ref().filter(|_| self.is_fed)?;
        Some(self.created.get(uid).copied().unwrap_or(who.since))
    }
}
