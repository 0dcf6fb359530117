//! The pods of the cluster that depend on something, as the controller sees them.

use std::collections::{BTreeMap, HashSet};

use oncue_language::Grace;

use super::Waiter;
use crate::{dependent_pod::DependentPod, life::Timestamp, release::ReleaseReason};

/// The pods that depend on something, by their uid: at most those that exist.
///
/// Those whose wait has ended are among them: it may begin again long after their creation.
#[derive(Debug, Default)]
pub(super) struct DependentPods {
    source: PodSource,
    /// A B-tree: while a hash table grows, all callers wait.
    pods: BTreeMap<Box<str>, Known>,
}

/// Where knowledge of pods comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum PodSource {
    /// From nowhere: no waiter counts as a pod of the cluster.
    #[default]
    None,
    /// From the controller, which has not told of all pods yet.
    Incomplete,
    /// From the controller, which has told of all pods: one that is unknown is new.
    Complete,
}

#[derive(Debug)]
struct Known {
    created: Timestamp,
    /// When it was first seen, if it was new then; by the store's clock.
    seen_new: Option<Timestamp>,
    /// Why a person let it go; `None` if nobody did.
    release: Option<ReleaseReason>,
}

impl DependentPods {
    /// Takes note that the controller tells of pods from now on.
    pub(super) fn begin(&mut self) {
        self.source = PodSource::Incomplete;
    }

    /// Takes note of a pod. Returns the reason if a person has let it go since the last time.
    pub(super) fn put(&mut self, pod: &DependentPod, now: Timestamp) -> Option<ReleaseReason> {
        let is_complete = self.source == PodSource::Complete;
        let known = self.pods.entry(pod.id.uid.clone());
        let known = known.or_insert_with(|| Known {
            created: pod.created,
            seen_new: is_complete.then(|| next_second(now)),
            release: None,
        });
        let release = pod.release.clone().ok().flatten();
        if known.release == release {
            return None;
        }
        known.release.clone_from(&release);
        release
    }

    pub(super) fn remove(&mut self, uid: &str) {
        self.pods.remove(uid);
    }

    /// Takes note that these are all: removes the others.
    pub(super) fn retain(&mut self, uids: &HashSet<Box<str>>) {
        if self.source != PodSource::None {
            self.source = PodSource::Complete;
        }
        self.pods.retain(|uid, _| uids.contains(uid));
    }

    /// Returns which failures count for a waiter at `now`: all, if it is no pod of the cluster.
    ///
    /// A pod that is new to a controller that knows all others counts as created when its wait
    /// began. Its node's clock says when; it may be ahead of the store's.
    pub(super) fn grace(&self, who: &Waiter, now: Timestamp) -> Grace {
        let uid = who.uid.as_ref();
        uid.map_or(Grace::Over, |uid| self.grace_of(uid, who.since, now))
    }

    /// Returns the same for the pod with this uid, whose wait began at `since`.
    pub(super) fn grace_of(&self, uid: &str, since: Timestamp, now: Timestamp) -> Grace {
        let since = since.min(now);
        match (self.source, self.pods.get(uid)) {
            (PodSource::None, _) => Grace::Over,
            (_, Some(pod)) => {
                let seen = pod.seen_new.unwrap_or(pod.created);
                Grace::of_new_pod(pod.created, seen, now)
            }
            (PodSource::Incomplete, None) => Grace::of_unknown(since, now),
            (PodSource::Complete, None) => Grace::of_pod(since, now),
        }
    }

    /// Returns why a person let a waiter go; `None` if nobody did.
    pub(super) fn release(&self, who: &Waiter) -> Option<ReleaseReason> {
        self.pods.get(who.uid.as_ref()?)?.release.clone()
    }
}

/// Returns the first whole second that is not before `moment`: pods of one second share answers.
fn next_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().div_ceil(1_000) * 1_000)
}
