//! `pod:[app=db]>=2`, `job:[app=db]`: the objects with these labels, together.

use std::fmt;

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    job,
    pod::{self, Unready},
    read::{is_being_deleted, name},
    reason::{Foreign, pending},
};
use crate::workload::text;

/// Judges pods: so many of them must be Ready, on one node if it is named.
pub fn pods<'a>(
    pods: impl IntoIterator<Item = &'a Value>,
    at_least: usize,
    node: Option<&str>,
) -> ObjectState {
    let on_node = |pod: &&Value| node.is_none_or(|node| is_on(pod, node));
    let pods = pods.into_iter().filter(on_node);
    let (ready, unready): (Vec<_>, Vec<_>) = pods.partition(|pod| pod::is_ready(pod));
    let have = ready.len();
    if have >= at_least {
        return ObjectState::Holds;
    }
    let on_node = OnNode(node);
    match unready
        .into_iter()
        .min_by_key(|pod| (is_being_deleted(pod), name(pod)))
    {
        None if have == 0 => pending(format_args!("no such pod exists{on_node}")),
        None => pending(format_args!("{have} of {at_least} pods{on_node} are Ready")),
        Some(first) => pending(format_args!(
            "{have} of {at_least} pods{on_node} are Ready; {} {}",
            Foreign(name(first)),
            Unready(first)
        )),
    }
}

/// Judges Jobs: there is at least one, and all are complete.
pub fn jobs<'a>(jobs: impl IntoIterator<Item = &'a Value>) -> ObjectState {
    let mut jobs: Vec<_> = jobs.into_iter().collect();
    jobs.sort_by_key(|job| name(job));
    let count = jobs.len();
    let mut first = None;
    let mut unfinished = 0;
    for (name, state) in jobs
        .into_iter()
        .map(|job| (Foreign(name(job)), job::state(job)))
    {
        match state {
            ObjectState::Failed(reason) => return ObjectState::Failed(format!("{name} {reason}")),
            ObjectState::Holds => {}
            ObjectState::Pending(reason) => {
                unfinished += 1;
                first.get_or_insert_with(|| format!("{name}: {reason}"));
            }
        }
    }
    match first {
        None if count == 0 => pending("no such Job exists"),
        None => ObjectState::Holds,
        Some(first) => {
            let complete = count - unfinished;
            pending(format_args!(
                "{complete} of {count} Jobs are complete; {first}"
            ))
        }
    }
}

/// Returns whether a pod is on this node.
pub(super) fn is_on(pod: &Value, node: &str) -> bool {
    text(pod, "/spec/nodeName") == Some(node)
}

/// Prints ` on the node NODE`, if one is named.
pub(super) struct OnNode<'a>(pub(super) Option<&'a str>);

impl fmt::Display for OnNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(node) => write!(f, " on the node {}", Foreign(node)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::reason, *};

    fn mk_pod(name: &str, node: &str, ready: &str) -> Value {
        json!({
            "metadata": {"name": name},
            "spec": {"nodeName": node},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}]},
        })
    }

    fn mk_deleted(name: &str) -> Value {
        let mut pod = mk_pod(name, "n1", "True");
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        pod
    }

    fn mk_job(name: &str, condition: &str) -> Value {
        json!({
            "metadata": {"name": name},
            "status": {"conditions": [{"type": condition, "status": "True", "reason": "R"}]},
        })
    }

    fn pending(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }

    #[test]
    fn enough_pods_must_be_ready() {
        let (a, b) = (mk_pod("a", "n1", "True"), mk_pod("b", "n2", "True"));
        let (c, d) = (mk_pod("c", "n1", "False"), mk_pod("d", "n2", "False"));
        let gone = mk_deleted("0");
        for (pods, at_least, expected) in [
            (vec![&a], 1, Ok(())),
            (vec![&d, &b, &a], 2, Ok(())),
            (vec![], 1, pending("no such pod exists")),
            (vec![&a], 2, pending("1 of 2 pods are Ready")),
            (
                vec![&d, &a, &c],
                2,
                pending("1 of 2 pods are Ready; c is not Ready: R"),
            ),
            (
                vec![&gone, &a, &c],
                2,
                pending("1 of 2 pods are Ready; c is not Ready: R"),
            ),
            (
                vec![&gone],
                1,
                pending("0 of 1 pods are Ready; 0 is being deleted"),
            ),
        ] {
            assert_eq!(reason(&super::pods(pods, at_least, None)), expected);
        }
    }

    #[test]
    fn on_a_node_only_its_own_pods_count() {
        let (a, b) = (mk_pod("a", "n1", "True"), mk_pod("b", "n2", "False"));
        for (node, expected) in [
            ("n1", Ok(())),
            (
                "n2",
                pending("0 of 1 pods on the node n2 are Ready; b is not Ready: R"),
            ),
            ("n3", pending("no such pod exists on the node n3")),
        ] {
            assert_eq!(reason(&super::pods([&a, &b], 1, Some(node))), expected);
        }
    }

    #[test]
    fn all_jobs_must_be_complete() {
        let (a, b) = (mk_job("a", "Complete"), mk_job("b", "Complete"));
        let (c, d) = (mk_job("c", "Suspended"), mk_job("d", "Suspended"));
        for (jobs, expected) in [
            (vec![&b, &a], Ok(())),
            (vec![], pending("no such Job exists")),
            (
                vec![&d, &a, &c],
                pending("1 of 3 Jobs are complete; c: 0 of 1 pods succeeded"),
            ),
        ] {
            assert_eq!(reason(&super::jobs(jobs)), expected);
        }
    }

    #[test]
    fn one_failed_job_fails_all() {
        let (a, c) = (mk_job("a", "Suspended"), mk_job("c", "Failed"));
        let (b, d) = (mk_job("b", "Failed"), mk_job("d", "Complete"));
        let failed = ObjectState::Failed("b has failed: R".to_owned());
        assert_eq!(super::jobs([&d, &c, &b, &a]), failed);
    }
}
