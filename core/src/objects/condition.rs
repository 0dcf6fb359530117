//! Status conditions, as `kubectl wait --for=condition=TYPE` reads them.

use oncue_language::{ObjectState, Timestamp};
use serde_json::Value;

use super::{
    read::{items, number},
    reason::{Foreign, because, pending},
};
use crate::{life::moment, workload::text};

/// A condition in the status of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct StatusCondition<'a> {
    /// `True`, `False` or `Unknown`, whatever the case.
    status: &'a str,
    /// Why, in one word.
    pub(super) reason: Option<&'a str>,
    /// When its status changed last.
    pub(super) since: Option<Timestamp>,
    /// Whether the last change of the object came after it was written.
    is_stale: bool,
}

impl<'a> StatusCondition<'a> {
    /// Returns the condition of this type; case does not count.
    pub(super) fn find(object: &'a Value, kind: &str) -> Option<Self> {
        let mut conditions = items(object, "/status/conditions");
        conditions.find_map(|condition| {
            let is_asked = text(condition, "/type")?.eq_ignore_ascii_case(kind);
            is_asked.then_some(Self {
                status: text(condition, "/status")?,
                reason: text(condition, "/reason"),
                since: moment(condition, "/lastTransitionTime"),
                is_stale: is_stale(object, condition),
            })
        })
    }

    /// Returns whether it is True, and up to date.
    pub(super) fn is_true(&self) -> bool {
        !self.is_stale && self.status.eq_ignore_ascii_case("true")
    }
}

/// A condition without a generation of its own has that of the status.
fn is_stale(object: &Value, condition: &Value) -> bool {
    let observed = number(condition, "/observedGeneration")
        .or_else(|| number(object, "/status/observedGeneration"));
    let generation = number(object, "/metadata/generation");
    observed
        .zip(generation)
        .is_some_and(|(observed, generation)| observed < generation)
}

/// Returns whether the condition of this type is True, and up to date.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    StatusCondition::find(object, kind).is_some_and(|condition| condition.is_true())
}

/// Judges `KIND:x=TYPE`.
pub(super) fn state(object: &Value, kind: &str) -> ObjectState {
    let Some(condition) = StatusCondition::find(object, kind) else {
        return pending(format_args!("has no condition {}", Foreign(kind)));
    };
    if condition.is_true() {
        return ObjectState::Holds;
    }
    let kind = Foreign(kind);
    if condition.is_stale {
        return pending(format_args!(
            "its condition {kind} is older than its last change"
        ));
    }
    let status = Foreign(condition.status);
    pending(because(
        format_args!("its condition {kind} is {status}"),
        condition.reason,
    ))
}

/// The fields that this module reads.
pub(super) const READ: [&str; 6] = [
    "/metadata/generation",
    "/status/conditions/*/observedGeneration",
    "/status/conditions/*/reason",
    "/status/conditions/*/status",
    "/status/conditions/*/type",
    "/status/observedGeneration",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::tests::{judge, mk_condition, mk_named, reason},
        *,
    };

    fn mk(conditions: &Value, generation: i64, observed: Option<i64>) -> Value {
        json!({
            "metadata": {"generation": generation},
            "status": {"conditions": conditions, "observedGeneration": observed},
        })
    }

    fn judged(object: &Value) -> Result<(), String> {
        let key = mk_named("certificates.cert-manager.io", mk_condition());
        reason(&judge(&key, object, &[]))
    }

    #[test]
    fn a_condition_holds_if_it_is_true_whatever_the_case() {
        for (conditions, expected) in [
            (json!([{"type": "Ready", "status": "True"}]), Ok(())),
            (json!([{"type": "ready", "status": "TRUE"}]), Ok(())),
            (
                json!(["x", {"type": "Issuing", "status": "False"}, {"type": "Ready", "status": "True"}]),
                Ok(()),
            ),
            // One without a status does not count.
            (
                json!([{"type": "Ready"}, {"type": "Ready", "status": "True"}]),
                Ok(()),
            ),
            (
                json!([{"type": "Ready", "status": "False"}, {"type": "Ready", "status": "True"}]),
                Err("its condition Ready is False"),
            ),
            (
                json!([{"type": "Ready", "status": "False", "reason": "Issuing"}]),
                Err("its condition Ready is False: Issuing"),
            ),
            (
                json!([{"type": "Ready", "status": "Unknown", "reason": ""}]),
                Err("its condition Ready is Unknown"),
            ),
            (
                json!([{"type": "Readiness", "status": "True"}]),
                Err("has no condition Ready"),
            ),
            (json!([]), Err("has no condition Ready")),
            (
                json!({"type": "Ready", "status": "True"}),
                Err("has no condition Ready"),
            ),
            (
                json!([{"type": "Ready", "status": true}]),
                Err("has no condition Ready"),
            ),
        ] {
            let object = mk(&conditions, 1, None);
            assert_eq!(
                judged(&object),
                expected.map_err(str::to_owned),
                "{conditions}"
            );
        }
        assert_eq!(judged(&json!({})), Err("has no condition Ready".to_owned()));
    }

    #[test]
    fn a_condition_of_an_earlier_generation_does_not_hold() {
        let stale = Err("its condition Ready is older than its last change".to_owned());
        for (own, of_status, expected) in [
            (Some(2), None, Ok(())),
            (Some(3), None, Ok(())),
            (Some(1), None, stale.clone()),
            (None, Some(2), Ok(())),
            (None, Some(1), stale.clone()),
            (Some(2), Some(1), Ok(())),
            (Some(1), Some(2), stale.clone()),
        ] {
            let condition = json!([{"type": "Ready", "status": "True", "observedGeneration": own}]);
            let object = mk(&condition, 2, of_status);
            assert_eq!(judged(&object), expected, "{own:?} {of_status:?}");
        }
        let mut unversioned = mk(&json!([{"type": "Ready", "status": "True"}]), 2, Some(1));
        unversioned["metadata"] = json!({});
        assert_eq!(judged(&unversioned), Ok(()));
    }

    #[test]
    fn what_a_status_says_is_escaped() {
        let object = mk(
            &json!([{"type": "Ready", "status": "\n", "reason": "\u{202e}"}]),
            1,
            None,
        );
        assert_eq!(
            judged(&object),
            Err(r"its condition Ready is \n: \u{202e}".to_owned())
        );
    }
}
