//! The pod that a request speaks for.

use oncue_language::Owner;
use serde::{Deserializer, de};

use crate::object::optional_object;

/// Reads a member that is absent, null, or a pod.
pub(crate) fn optional_pod<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Owner>, D::Error> {
    let pod: Option<Owner> = optional_object(deserializer)?;
    if let Some(pod) = &pod {
        pod.check_name().map_err(de::Error::custom)?;
        if !pod.kind.is_pod() {
            let error = format!("a request speaks for a pod, not for a {}", pod.kind);
            return Err(de::Error::custom(error));
        }
    }
    Ok(pod)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{AssertRequest, Assertion, WaitRequest};

    fn mk_owner(name: &str) -> Value {
        json!({"namespace": "shop", "name": name, "uid": "1"})
    }

    #[test]
    fn a_request_names_a_pod_and_an_answer_may_name_anything_from_before() {
        let before = mk_owner("p/q");
        let mut job = mk_owner("migrate");
        job["kind"] = json!("Job");
        for (owner, is_pod) in [(&mk_owner("web-0"), true), (&before, false), (&job, false)] {
            let assert: Result<AssertRequest, _> = serde_json::from_value(json!({"owner": owner}));
            assert_eq!(assert.is_ok(), is_pod, "{owner}");
            let wait = json!({"terms": [], "waiter": owner});
            let wait: Result<WaitRequest, _> = serde_json::from_value(wait);
            assert_eq!(wait.is_ok(), is_pod, "{owner}");
        }
        let answer = json!({"owner": before, "kind": "live", "since": "2026-11-27T10:00:00Z"});
        let answer: Assertion = serde_json::from_value(answer).unwrap();
        assert_eq!(json!(answer.owner), before);
    }
}
