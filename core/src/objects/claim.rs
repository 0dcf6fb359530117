//! `persistentvolumeclaim:x`: the claim is Bound.

use oncue_language::ObjectState;
use serde_json::Value;

use super::reason::{because, pending};
use crate::workload::text;

/// Judges a claim.
pub(super) fn state(claim: &Value) -> ObjectState {
    match text(claim, "/status/phase") {
        Some("Bound") => ObjectState::Holds,
        phase => pending(because("is not Bound", phase)),
    }
}

/// The fields that this module reads.
pub(super) const READ: [&str; 1] = ["/status/phase"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::judged;

    #[test]
    fn a_claim_holds_once_it_is_bound() {
        for (claim, expected) in [
            (json!({"status": {"phase": "Bound"}}), Ok(())),
            (
                json!({"status": {"phase": "Pending"}}),
                Err("is not Bound: Pending"),
            ),
            (
                json!({"status": {"phase": "Lost"}}),
                Err("is not Bound: Lost"),
            ),
            (json!({"spec": {"volumeName": "v"}}), Err("is not Bound")),
        ] {
            assert_eq!(
                judged("persistentvolumeclaim", &claim),
                expected.map_err(str::to_owned),
                "{claim}"
            );
        }
    }
}
