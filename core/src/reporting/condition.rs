//! The pod condition `oncue.dev/DependenciesHeld`.

use std::fmt;

use oncue_language::{Owner, Timestamp};
use serde_json::{Value, json};
use strum::{Display, EnumString, IntoStaticStr};

use super::message::{MAX_MESSAGE, cut};
use crate::{
    life::{condition, moment},
    workload::text,
};

/// The type of the condition.
pub const CONDITION: &str = "oncue.dev/DependenciesHeld";

/// The reason of the condition: a closed set, so that scripts can rely on it.
#[derive(
    Clone, Copy, Debug, Display, EnumString, Eq, Hash, IntoStaticStr, Ord, PartialEq, PartialOrd,
)]
pub enum HeldReason {
    /// False: the pod and others wait for each other.
    Deadlock,
    /// False: a failure term has come true, or the waiting container has ended with an error.
    Failed,
    /// True: the wait is over.
    Held,
    /// False: a person let the pod go, whatever is missing.
    Released,
    /// False: a timeout has passed; the pod waits on, unless it has failed with it.
    TimedOut,
    /// False: something is missing.
    Waiting,
}

impl HeldReason {
    /// Returns the reason as the condition has it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the dependencies hold with this reason.
    pub fn is_true(self) -> bool {
        self == Self::Held
    }

    /// Returns the status of a condition with this reason.
    pub fn status(self) -> &'static str {
        if self.is_true() { "True" } else { "False" }
    }
}

/// What the condition says of one pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldCondition {
    /// Why it is True or False.
    pub reason: HeldReason,
    /// What is missing, since when, and who would provide it; at most [`MAX_MESSAGE`] bytes.
    pub message: String,
}

/// The condition that a pod has. Someone else may have written it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObservedCondition {
    /// Its status.
    pub status: Box<str>,
    /// Its reason.
    pub reason: Box<str>,
    /// Its message, or as much of it as one of ours can be long and a little more.
    pub message: Box<str>,
    /// When its status changed last.
    pub since: Option<Timestamp>,
}

impl ObservedCondition {
    /// Reads the condition of a pod, if it has one.
    pub fn read(pod: &Value) -> Option<Self> {
        let found = condition(pod, CONDITION)?;
        let text = |pointer| text(found, pointer).unwrap_or_default();
        Some(Self {
            status: cut(text("/status"), MAX_WORD).into(),
            reason: cut(text("/reason"), MAX_WORD).into(),
            message: cut(text("/message"), MAX_MESSAGE + 1).into(),
            since: moment(found, "/lastTransitionTime"),
        })
    }

    /// Returns whether it says the same. How a wait ended is told once: the kubelet forgets it.
    pub(super) fn says(&self, wanted: &HeldCondition) -> bool {
        let HeldCondition { reason, message } = wanted;
        let is_same = *self.status == *reason.status() && *self.reason == *reason.as_str();
        is_same && (reason.is_true() || *self.message == **message)
    }
}

/// Prints as `False (Waiting): Waiting since ...`.
impl fmt::Display for ObservedCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            reason,
            message,
            ..
        } = self;
        write!(f, "{status} ({reason}): {message}")
    }
}

/// A condition to write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionReport {
    /// The pod.
    pub pod: Owner,
    /// What its condition is to say.
    pub condition: HeldCondition,
    /// When its status changed last.
    pub since: Timestamp,
    /// Whether it was written before and someone else has removed or changed it; said once for
    /// each pod.
    pub restores: bool,
}

impl ConditionReport {
    /// Returns a strategic merge patch of the pod's status, which no other pod of that name takes.
    pub fn patch(&self) -> Value {
        let HeldCondition { reason, message } = &self.condition;
        json!({
            "metadata": {"uid": self.pod.uid},
            "status": {"conditions": [{
                "type": CONDITION,
                "status": reason.status(),
                "reason": reason.as_str(),
                "message": message,
                "lastTransitionTime": seconds(self.since),
            }]},
        })
    }
}

/// Prints a time as Kubernetes does, without fractions of a second.
pub(super) fn seconds(at: Timestamp) -> String {
    Timestamp::from_millis(at.as_millis() / 1_000 * 1_000).to_string()
}

/// The most bytes that are kept of the status and of the reason of someone else's condition.
const MAX_WORD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_pod(condition: &Value) -> Value {
        json!({"status": {"conditions": [{"type": "Ready", "status": "True"}, condition]}})
    }

    #[test]
    fn a_condition_is_compared_with_what_it_should_say() {
        let waiting = HeldCondition {
            reason: HeldReason::Waiting,
            message: "Waiting for a".to_owned(),
        };
        let held = HeldCondition {
            reason: HeldReason::Held,
            message: "The wait is over".to_owned(),
        };
        for (status, reason, message, is_waiting, is_held) in [
            ("False", "Waiting", "Waiting for a", true, false),
            ("False", "Waiting", "Waiting for b", false, false),
            ("False", "TimedOut", "Waiting for a", false, false),
            ("True", "Waiting", "Waiting for a", false, false),
            ("True", "Held", "The wait is over", false, true),
            ("True", "Held", "anything", false, true),
            ("Unknown", "Waiting", "Waiting for a", false, false),
        ] {
            let observed = ObservedCondition::read(&mk_pod(&json!({
                "type": CONDITION, "status": status, "reason": reason, "message": message,
            })));
            let observed = observed.unwrap();
            assert_eq!(observed.says(&waiting), is_waiting, "{observed:?}");
            assert_eq!(observed.says(&held), is_held, "{observed:?}");
        }
        let other = mk_pod(&json!({"type": "other.io/Held", "status": "True"}));
        assert_eq!(ObservedCondition::read(&other), None);
    }

    #[test]
    fn of_what_someone_else_wrote_no_more_is_kept_than_a_message_of_ours_can_have() {
        let long = "x".repeat(100_000);
        let observed = ObservedCondition::read(&mk_pod(&json!({
            "type": CONDITION, "status": "False", "reason": long, "message": long,
        })));
        let observed = observed.unwrap();
        assert!(observed.reason.len() <= MAX_WORD);
        assert!(observed.message.len() <= MAX_MESSAGE + 1);
    }

    #[test]
    fn the_patch_names_the_pod_and_nothing_but_the_condition() {
        let report = ConditionReport {
            pod: Owner::pod("shop".parse().unwrap(), "second", "u-2"),
            condition: HeldCondition {
                reason: HeldReason::Waiting,
                message: "Waiting for a".to_owned(),
            },
            since: Timestamp::from_millis(1_795_508_400_250),
            restores: false,
        };
        let expected = json!({
            "metadata": {"uid": "u-2"},
            "status": {"conditions": [{
                "type": "oncue.dev/DependenciesHeld", "status": "False", "reason": "Waiting",
                "message": "Waiting for a", "lastTransitionTime": "2026-11-24T08:20:00Z",
            }]},
        });
        assert_eq!(report.patch(), expected);
    }
}
