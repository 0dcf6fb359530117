//! What the life of a signal depends on in a Job.

use std::collections::BTreeMap;

use oncue_language::{
    Facts, Keys, Located, Owner, OwnerKind, PodAnnotations, Signal, Timestamp, annotation::Inject,
};
use serde_json::Value;

use super::{
    DeclaredSignal, Outcome, OutcomeSignals, RunEnd, Unidentified,
    container_state::moment,
    observed_pod::{condition, default_container, identity, is_true},
};
use crate::workload;

/// What the life of a signal depends on in a Job, as it was seen at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObservedJob {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// The name of the `CronJob` that controls it.
    pub cron_job: Option<Box<str>>,
    /// When its run began; `None` while it is suspended.
    pub started: Option<Timestamp>,
    /// How and when it ended.
    pub end: Option<RunEnd>,
    /// What its pod template signals, as far as the names do not depend on the pod: for a Job whose
    /// pods nobody saw.
    pub signals: OutcomeSignals,
}

impl ObservedJob {
    /// Reads a Job's JSON.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say which Job it is.
    pub fn read(job: &Value, keys: &Keys) -> Result<Self, Unidentified> {
        let id = Owner {
            kind: OwnerKind::Job,
            ..identity(job)?
        };
        let is_suspended = job.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
        let controller = workload::owner(job);
        let cron_job = controller.filter(|owner| (owner.group, owner.kind) == ("batch", "CronJob"));
        Ok(Self {
            cron_job: cron_job.map(|owner| owner.name.into()),
            started: moment(job, "/status/startTime").filter(|_| !is_suspended),
            end: end(job),
            signals: template_signals(job, &id, keys),
            id,
        })
    }

    /// Returns the owner of what its run asserts: the name is that of its producer, the `CronJob`
    /// if there is one, and the uid is the Job's own.
    ///
    /// So every pod and every retry of a run makes the same assertion, and all runs of a `CronJob`
    /// are one producer.
    pub fn producer(&self) -> Owner {
        match &self.cron_job {
            Some(name) => Owner {
                name: name.clone(),
                kind: OwnerKind::CronJob,
                ..self.id.clone()
            },
            None => self.id.clone(),
        }
    }
}

fn end(job: &Value) -> Option<RunEnd> {
    let ended = |kind, outcome| {
        let condition = condition(job, kind).filter(|it| is_true(Some(it)))?;
        let at = moment(condition, "/lastTransitionTime").unwrap_or_default();
        Some(RunEnd { outcome, at })
    };
    ended("Complete", Outcome::Success).or_else(|| ended("Failed", Outcome::Failure))
}

fn template_signals(job: &Value, id: &Owner, keys: &Keys) -> OutcomeSignals {
    let Some(template) = job.pointer("/spec/template") else {
        return OutcomeSignals::default();
    };
    let annotations = pairs(template, "/metadata/annotations");
    let reading = PodAnnotations::read(keys, annotations.iter().map(|(key, value)| (*key, *value)));
    let asked = reading.annotations.ok();
    let Some(asked) = asked.filter(|asked| asked.inject != Inject::Off) else {
        return OutcomeSignals::default();
    };
    let default = template
        .get("spec")
        .and_then(|spec| default_container(template, spec));
    let facts = Facts {
        container: asked.signals_container.as_deref().or(default),
        labels: Some(&pairs(template, "/metadata/labels")),
        pod_namespace: Some(id.namespace.as_str()),
        ..Facts::default()
    };
    OutcomeSignals {
        failure: known(&asked.signals_on_failure, &facts),
        success: known(&asked.signals_on_success, &facts),
    }
}

/// Returns the signals that the template alone fills in: a label may be the pod's own.
fn known(signals: &[Located<Signal>], facts: &Facts<'_>) -> Vec<DeclaredSignal> {
    let signals = signals.iter().map(|located| &located.value);
    let known = |signal| DeclaredSignal::resolve(signal, facts).ok().flatten();
    signals.filter_map(known).collect()
}

fn pairs<'a>(object: &'a Value, pointer: &str) -> BTreeMap<&'a str, &'a str> {
    let members = object.pointer(pointer).and_then(Value::as_object);
    let members = members.into_iter().flatten();
    let text = |(key, value): (&'a String, &'a Value)| Some((key.as_str(), value.as_str()?));
    members.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_job(annotations: &Value) -> Value {
        json!({
            "metadata": {
                "namespace": "shop", "name": "migrate-7", "uid": "j-7",
                "ownerReferences": [{
                    "apiVersion": "batch/v1", "kind": "CronJob", "name": "migrate", "uid": "c-1",
                    "controller": true,
                }],
            },
            "spec": {"template": {
                "metadata": {"annotations": annotations, "labels": {"v": "7"}},
                "spec": {"containers": [{"name": "app"}]},
            }},
            "status": {"startTime": "2026-11-27T10:00:00Z"},
        })
    }

    fn read(job: &Value) -> ObservedJob {
        ObservedJob::read(job, &Keys::default()).unwrap()
    }

    fn names(signals: &[DeclaredSignal]) -> Vec<&str> {
        signals.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn the_template_says_what_the_outcome_signals_as_far_as_every_pod_is_alike() {
        let job = read(&mk_job(&json!({
            "signals-on-success": "done/$(labels['v']), done/$(CONTAINER), done/$(POD_NAME)",
            "oncue.dev/signals-on-failure": "failed, failed/$(labels['added'])",
        })));
        assert_eq!(names(&job.signals.success), ["done/7", "done/app"]);
        assert_eq!(names(&job.signals.failure), ["failed"]);
    }

    #[test]
    fn a_template_that_is_switched_off_or_broken_signals_nothing() {
        for annotations in [
            json!({"signals-on-success": "done", "oncue.dev/inject": "false"}),
            json!({"signals-on-success": "a b"}),
            json!({}),
            json!(null),
        ] {
            assert!(read(&mk_job(&annotations)).signals.is_empty());
        }
    }

    #[test]
    fn a_run_is_that_of_its_cron_job_and_has_the_uid_of_the_job() {
        let mut job = mk_job(&json!({}));
        let producer = read(&job).producer();
        assert_eq!((&*producer.name, &*producer.uid), ("migrate", "j-7"));
        assert_eq!(producer.kind, OwnerKind::CronJob);
        job["metadata"]["ownerReferences"][0]["kind"] = "Workflow".into();
        assert_eq!(read(&job).producer(), read(&job).id);
        assert_eq!(read(&job).producer().kind, OwnerKind::Job);
    }

    #[test]
    fn it_ends_with_the_condition_complete_or_failed_and_not_before() {
        let mut job = mk_job(&json!({}));
        for (kind, status, outcome) in [
            ("SuccessCriteriaMet", "True", None),
            ("FailureTarget", "True", None),
            ("Complete", "False", None),
            ("Complete", "True", Some(Outcome::Success)),
            ("Failed", "True", Some(Outcome::Failure)),
        ] {
            let time = "2026-11-27T10:00:09Z";
            job["status"]["conditions"] =
                json!([{"type": kind, "status": status, "lastTransitionTime": time}]);
            let at = time.parse().unwrap();
            let end = outcome.map(|outcome| RunEnd { outcome, at });
            assert_eq!(read(&job).end, end, "{kind}");
        }
    }

    #[test]
    fn a_suspended_job_has_not_started() {
        let mut job = mk_job(&json!({}));
        assert!(read(&job).started.is_some());
        job["spec"]["suspend"] = true.into();
        assert_eq!(read(&job).started, None);
    }
}
