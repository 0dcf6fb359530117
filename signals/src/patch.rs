//! The change of an object to another state of its assertion.

use oncue_core::assertion::Assertion;
use serde_json::{Value, json};

/// Returns the merge patch from one state of an assertion to another, for an object that still has
/// this uid and this version.
///
/// An object keeps the time of its creation, so it has to say since when another value holds.
pub fn patch((before, after): (&Assertion, &Assertion), (uid, version): (&str, &str)) -> Value {
    let mut spec = json!({"value": after.value, "expires": after.expires});
    if before.since != after.since {
        spec["since"] = json!(after.since);
    }
    json!({"metadata": {"uid": uid, "resourceVersion": version}, "spec": spec})
}
