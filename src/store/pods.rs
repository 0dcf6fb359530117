//! The pods of the cluster that wait, as the controller sees them.

use std::collections::{HashMap, HashSet};

use super::Waiter;
use crate::{life::Timestamp, release::ReleaseReason, waiting_pod::WaitingPod};

/// The pods that wait, by their uid: at most those that exist.
#[derive(Debug, Default)]
pub(super) struct WaitingPods {
    is_fed: bool,
    pods: HashMap<Box<str>, Known>,
}

#[derive(Debug)]
struct Known {
    created: Timestamp,
    /// Why a person let it go; `None` if nobody did.
    release: Option<ReleaseReason>,
}

impl WaitingPods {
    /// Takes note that someone tells of pods from now on.
    pub(super) fn expect(&mut self) {
        self.is_fed = true;
    }

    /// Takes note of a pod. Returns the reason if a person has let it go since the last time.
    pub(super) fn put(&mut self, pod: WaitingPod) -> Option<ReleaseReason> {
        let WaitingPod {
            id,
            created,
            release,
        } = pod;
        let known = self.pods.entry(id.uid).or_insert(Known {
            created,
            release: None,
        });
        known.created = created;
        let release = release.ok().flatten();
        if known.release == release {
            return None;
        }
        known.release.clone_from(&release);
        release
    }

    pub(super) fn remove(&mut self, uid: &str) {
        self.pods.remove(uid);
    }

    /// Removes all others than these.
    pub(super) fn retain(&mut self, uids: &HashSet<Box<str>>) {
        self.pods.retain(|uid, _| uids.contains(uid));
        self.pods.shrink_to_fit();
    }

    /// Returns when a waiter was created; `None` if it is no pod of the cluster.
    ///
    /// A pod that the controller has not told of yet counts as created when its wait began.
    pub(super) fn created(&self, who: &Waiter) -> Option<Timestamp> {
        let uid = who.uid.as_ref().filter(|_| self.is_fed)?;
        Some(self.pods.get(uid).map_or(who.since, |pod| pod.created))
    }

    /// Returns why a person let a waiter go; `None` if nobody did.
    pub(super) fn release(&self, who: &Waiter) -> Option<ReleaseReason> {
        self.pods.get(who.uid.as_ref()?)?.release.clone()
    }
}
