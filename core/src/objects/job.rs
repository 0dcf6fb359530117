//! `job:x`: the Job is complete.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    condition::{self, StatusCondition},
    read::{count, flag, number},
    reason::{because, pending},
};

/// Judges a Job.
pub(super) fn state(job: &Value) -> ObjectState {
    if condition::is_true(job, "Complete") {
        return ObjectState::Holds;
    }
    match trouble(job, "Failed") {
        Some(failed) => ObjectState::Failed {
            reason: because("has failed", failed.reason),
            since: failed.since,
        },
        None => pending(unfinished(job)),
    }
}

fn unfinished(job: &Value) -> String {
    if let Some(failing) = trouble(job, "FailureTarget") {
        return because("is about to fail", failing.reason);
    }
    if condition::is_true(job, "SuccessCriteriaMet") {
        return "has succeeded, and its pods are still ending".to_owned();
    }
    let progress = progress(job);
    if flag(job, "/spec/suspend") {
        format!("is suspended: {progress}")
    } else {
        progress
    }
}

fn trouble<'a>(job: &'a Value, kind: &str) -> Option<StatusCondition<'a>> {
    StatusCondition::find(job, kind).filter(StatusCondition::is_true)
}

fn progress(job: &Value) -> String {
    let count = |key: &str| count(job, &format!("/status/{key}"));
    let succeeded = count("succeeded");
    let failed = match count("failed") {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    match completions(job) {
        Some(wanted) => format!("{succeeded} of {wanted} pods succeeded{failed}"),
        None => format!(
            "{succeeded} pods succeeded{failed}, {} still run",
            count("active")
        ),
    }
}

/// Returns how many pods have to succeed; `None` if the pods find out by themselves when the work
/// is done.
fn completions(job: &Value) -> Option<i64> {
    number(job, "/spec/completions").or(match number(job, "/spec/parallelism") {
        None => Some(1),
        Some(_) => None,
    })
}

/// The fields that this module reads, besides those of conditions.
pub(super) const READ: [&str; 7] = [
    "/spec/completions",
    "/spec/parallelism",
    "/spec/suspend",
    "/status/active",
    "/status/conditions/*/lastTransitionTime",
    "/status/failed",
    "/status/succeeded",
];

#[cfg(test)]
mod tests {
    use oncue_language::ObjectDemand;
    use serde_json::json;

    use super::{
        super::tests::{judge, mk_named},
        *,
    };

    fn mk(spec: &Value, status: &Value) -> Value {
        json!({"spec": spec, "status": status})
    }

    fn judged(job: &Value) -> ObjectState {
        judge(&mk_named("job", ObjectDemand::Rule), job, &[])
    }

    fn mk_condition(kind: &str, reason: &str) -> Value {
        json!({"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"})
    }

    #[test]
    fn a_complete_job_holds() {
        let job = mk(
            &json!({"completions": 1, "parallelism": 1}),
            &json!({
                "conditions": [
                    mk_condition("SuccessCriteriaMet", "CompletionsReached"),
                    mk_condition("Complete", "CompletionsReached"),
                ],
                "succeeded": 1, "failed": 2,
            }),
        );
        assert_eq!(judged(&job), ObjectState::Holds);
    }

    #[test]
    fn a_failed_job_says_why_and_since_when() {
        let job = mk(
            &json!({"completions": 1}),
            &json!({"conditions": [
                mk_condition("FailureTarget", "BackoffLimitExceeded"),
                mk_condition("Failed", "BackoffLimitExceeded"),
            ]}),
        );
        let failed = ObjectState::Failed {
            reason: "has failed: BackoffLimitExceeded".to_owned(),
            since: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        };
        assert_eq!(judged(&job), failed);
        let untold = mk(
            &json!({}),
            &json!({"conditions": [{"type": "Failed", "status": "True"}]}),
        );
        let failed = ObjectState::Failed {
            reason: "has failed".to_owned(),
            since: None,
        };
        assert_eq!(judged(&untold), failed);
    }

    #[test]
    fn a_job_that_goes_on_says_how_far_it_is() {
        let one = json!({"completions": 1, "parallelism": 1});
        for (spec, status, expected) in [
            (
                json!({"completions": 5}),
                json!({"succeeded": 2, "active": 3}),
                "2 of 5 pods succeeded",
            ),
            (one.clone(), json!({}), "0 of 1 pods succeeded"),
            (json!({}), json!({"active": 1}), "0 of 1 pods succeeded"),
            (
                one.clone(),
                json!({"active": 1, "failed": 3}),
                "0 of 1 pods succeeded, 3 failed",
            ),
            (
                json!({"parallelism": 2}),
                json!({"active": 1, "succeeded": 1}),
                "1 pods succeeded, 1 still run",
            ),
            (
                json!({"completions": 5, "suspend": true}),
                json!({"succeeded": 2, "conditions": [mk_condition("Suspended", "JobSuspended")]}),
                "is suspended: 2 of 5 pods succeeded",
            ),
            (
                one.clone(),
                json!({"conditions": [mk_condition("FailureTarget", "PodFailurePolicy")]}),
                "is about to fail: PodFailurePolicy",
            ),
            (
                one.clone(),
                json!({"succeeded": 1, "terminating": 1, "conditions": [mk_condition("SuccessCriteriaMet", "CompletionsReached")]}),
                "has succeeded, and its pods are still ending",
            ),
            (
                one.clone(),
                json!({"conditions": [{"type": "Failed", "status": "False"}, {"type": "Complete", "status": "False"}]}),
                "0 of 1 pods succeeded",
            ),
        ] {
            let job = mk(&spec, &status);
            assert_eq!(
                judged(&job),
                ObjectState::Pending(expected.to_owned()),
                "{job}"
            );
        }
    }
}
