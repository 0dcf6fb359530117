//! The Events of a pod: few, and repeated ones as one.

use std::{collections::BTreeMap, time::Duration};

use oncue_language::{Owner, Timestamp};
use serde_json::{Value, json};

use super::{HeldReason, condition::seconds};

/// An Event to create, or to count once more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventReport {
    /// The pod.
    pub pod: Owner,
    /// What has happened: the reason of the pod's condition.
    pub reason: HeldReason,
    /// The message of the condition.
    pub note: String,
    /// How often it has happened to the pod.
    pub count: u32,
    /// When.
    pub at: Timestamp,
}

impl HeldReason {
    /// Returns the reason and the type of the Event about it, if there is one.
    fn event(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Deadlock => Some(("DependenciesDeadlocked", "Warning")),
            Self::Failed => Some(("DependenciesFailed", "Warning")),
            Self::Held => None,
            Self::Released => Some(("ReleasedByHand", "Normal")),
            Self::TimedOut => Some(("DependenciesTimedOut", "Warning")),
            Self::Waiting => Some(("WaitingForDependencies", "Normal")),
        }
    }
}

impl EventReport {
    /// Returns the name of the object, which is the same whenever this happens to the pod.
    pub fn name(&self) -> String {
        let Owner { name, uid, .. } = &self.pod;
        let (reason, _) = self.reason.event().unwrap_or_default();
        let end = format!(".{uid}.{}", reason.to_ascii_lowercase());
        let room = MAX_NAME.saturating_sub(end.len());
        let begin = &name[..name.floor_char_boundary(room)];
        format!("{}{end}", begin.trim_end_matches(['.', '-']))
    }

    /// Returns the object of the group `events.k8s.io`; `instance` names this process.
    pub fn object(&self, instance: &str) -> Value {
        let Owner {
            namespace,
            name,
            uid,
            kind: _,
        } = &self.pod;
        let (reason, kind) = self.reason.event().unwrap_or_default();
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "name": self.name()},
            "eventTime": micros(self.at),
            "reportingController": CONTROLLER,
            "reportingInstance": instance,
            "action": "Waiting",
            "reason": reason,
            "regarding": {
                "apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name, "uid": uid,
            },
            "note": self.note,
            "type": kind,
        })
    }

    /// Returns a merge patch that counts it once more.
    pub fn series(&self) -> Value {
        json!({"series": {"count": self.count, "lastObservedTime": micros(self.at)}})
    }
}

/// Which Events a pod has had.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The reason of which the pod's present state has been told.
    present: Option<HeldReason>,
    /// How often, and when last.
    before: BTreeMap<HeldReason, (u32, Timestamp)>,
}

impl Told {
    /// Takes it that a reason was told before this process ran.
    pub(super) fn assume(&mut self, reason: HeldReason, at: Timestamp) {
        self.present = Some(reason);
        self.before.insert(reason, (1, at));
    }

    /// Returns whether the reason is still to be told.
    pub(super) fn lacks(&self, reason: HeldReason) -> bool {
        reason.event().is_some() && self.present != Some(reason)
    }

    /// Takes note that the reason is told now. Returns how often it has been; `None` if it was told
    /// a short while ago.
    pub(super) fn tell(&mut self, reason: HeldReason, now: Timestamp) -> Option<u32> {
        self.present = Some(reason);
        let (count, last) = self.before.entry(reason).or_default();
        if *count > 0 && now < *last + APART {
            return None;
        }
        (*count, *last) = (*count + 1, now);
        Some(*count)
    }

    /// The pod waits no more, or for something else.
    pub(super) fn end(&mut self) {
        self.present = None;
    }
}

/// Prints a time with six digits of a second, as the API server wants it.
fn micros(at: Timestamp) -> String {
    let whole = seconds(at);
    let millis = at.as_millis() % 1_000;
    format!("{}.{millis:03}000Z", whole.trim_end_matches('Z'))
}

const APART: Duration = Duration::from_mins(5);
/// What `kubectl describe` shows as the source.
const CONTROLLER: &str = "oncue.dev/controller";
/// The most bytes of a name of an object.
const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_report(name: &str) -> EventReport {
        EventReport {
            pod: Owner::pod(
                "shop".parse().unwrap(),
                name,
                "2b9b9b2e-1f6a-4a0f-8d0e-3f1f1d1c9a55",
            ),
            reason: HeldReason::Deadlock,
            note: "Deadlock: ...".to_owned(),
            count: 2,
            at: Timestamp::from_millis(1_795_508_400_025),
        }
    }

    #[test]
    fn the_object_has_what_the_api_server_asks_for() {
        let expected = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "namespace": "shop",
                "name": "a.2b9b9b2e-1f6a-4a0f-8d0e-3f1f1d1c9a55.dependenciesdeadlocked",
            },
            "eventTime": "2026-11-24T08:20:00.025000Z",
            "reportingController": "oncue.dev/controller",
            "reportingInstance": "oncue-store-0",
            "action": "Waiting",
            "reason": "DependenciesDeadlocked",
            "regarding": {
                "apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "a",
                "uid": "2b9b9b2e-1f6a-4a0f-8d0e-3f1f1d1c9a55",
            },
            "note": "Deadlock: ...",
            "type": "Warning",
        });
        assert_eq!(mk_report("a").object("oncue-store-0"), expected);
        let series =
            json!({"series": {"count": 2, "lastObservedTime": "2026-11-24T08:20:00.025000Z"}});
        assert_eq!(mk_report("a").series(), series);
    }

    #[test]
    fn a_long_name_is_cut_to_one_that_an_object_can_have() {
        let name = mk_report(&format!("{}.-{}", "x".repeat(191), "y".repeat(60))).name();
        assert!(name.len() <= MAX_NAME, "{name}");
        assert!(name.starts_with("xx") && !name.contains("x.-"), "{name}");
    }

    #[test]
    fn what_happens_again_within_five_minutes_is_not_told_again() {
        let at = |seconds: u64| Timestamp::from_millis(1_000_000 + seconds * 1_000);
        let mut told = Told::default();
        assert!(told.lacks(HeldReason::Deadlock));
        assert_eq!(told.tell(HeldReason::Deadlock, at(0)), Some(1));
        assert!(!told.lacks(HeldReason::Deadlock));
        told.end();
        assert_eq!(told.tell(HeldReason::Deadlock, at(299)), None);
        assert_eq!(told.tell(HeldReason::TimedOut, at(299)), Some(1));
        assert_eq!(told.tell(HeldReason::Deadlock, at(300)), Some(2));
        assert!(!told.lacks(HeldReason::Held));
    }
}
