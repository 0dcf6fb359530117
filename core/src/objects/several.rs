//! `pod:[app=db]>=2`, `job:[app=db]`: the objects with these labels, together.

use std::{cmp::Reverse, fmt};

use oncue_language::{ObjectState, Timestamp, object::NodeName};
use serde_json::Value;

use super::{
    read::{is_being_deleted, name},
    reason::{Foreign, pending},
};

/// What several objects must be together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Together<'a> {
    /// Which objects, as in `1 of 2 pods are Ready`.
    pub(super) what: &'static str,
    /// What each of them must be.
    pub(super) holds: &'static str,
    /// The node that they are on.
    pub(super) node: Option<&'a NodeName>,
}

impl Together<'_> {
    /// Judges objects of which so many must hold.
    pub(super) fn at_least<'v>(
        &self,
        wanted: usize,
        objects: impl IntoIterator<Item = &'v Value>,
        judge: impl Fn(&Value) -> ObjectState,
    ) -> ObjectState {
        let mut have = 0;
        let mut rest = Vec::new();
        for object in objects {
            match judge(object).into_reason() {
                None => have += 1,
                Some(reason) => rest.push((is_being_deleted(object), name(object), reason)),
            }
        }
        let Self { what, holds, node } = self;
        if have >= wanted {
            return ObjectState::Holds;
        }
        let on_node = OnNode(*node);
        match rest.iter().min() {
            None if have == 0 => pending(format_args!("there are no such {what}{on_node}")),
            None => pending(format_args!("{have} of {wanted} {what}{on_node} {holds}")),
            Some((_, name, reason)) => {
                let name = Foreign(name);
                pending(format_args!(
                    "{have} of {wanted} {what}{on_node} {holds}; {name}: {reason}"
                ))
            }
        }
    }

    /// Judges objects of which there must be at least one, and all must hold.
    pub(super) fn all<'v>(
        &self,
        objects: impl IntoIterator<Item = &'v Value>,
        judge: impl Fn(&Value) -> ObjectState,
    ) -> ObjectState {
        let objects: Vec<_> = objects.into_iter().collect();
        let failed = objects.iter().filter_map(|object| match judge(object) {
            ObjectState::Failed { reason, since } => {
                // The latest decides whether they count. One of an unknown moment may be the latest.
                let latest = Reverse(since.unwrap_or(Timestamp::MAX));
                Some((latest, name(object), reason, since))
            }
            ObjectState::Absent
            | ObjectState::Holds
            | ObjectState::Pending(_)
            | ObjectState::Unknown(_) => None,
        });
        match failed.min() {
            Some((_, name, reason, since)) => ObjectState::Failed {
                reason: format!("{}: {reason}", Foreign(name)),
                since,
            },
            None => self.at_least(objects.len().max(1), objects, judge),
        }
    }
}

/// Prints ` on the node NODE`, if one is named.
pub(super) struct OnNode<'a>(pub(super) Option<&'a NodeName>);

impl fmt::Display for OnNode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(node) => write!(f, " on the node {node}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{job, pod, tests::reason},
        *,
    };

    const PODS: Together<'_> = Together {
        what: "pods",
        holds: "are Ready",
        node: None,
    };
    const JOBS: Together<'_> = Together {
        what: "Jobs",
        holds: "are complete",
        node: None,
    };

    fn mk_pod(name: &str, ready: &str) -> Value {
        json!({
            "metadata": {"name": name},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}]},
        })
    }

    fn mk_deleted(name: &str) -> Value {
        let mut pod = mk_pod(name, "True");
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
    fn enough_objects_must_hold() {
        let (a, b) = (mk_pod("a", "True"), mk_pod("b", "True"));
        let (c, d, gone) = (mk_pod("c", "False"), mk_pod("d", "False"), mk_deleted("0"));
        for (pods, wanted, expected) in [
            (vec![&a], 1, Ok(())),
            (vec![&d, &b, &a], 2, Ok(())),
            (vec![], 1, pending("there are no such pods")),
            (vec![&a], 2, pending("1 of 2 pods are Ready")),
            (
                vec![&d, &a, &c],
                2,
                pending("1 of 2 pods are Ready; c: is not Ready: R"),
            ),
            (
                vec![&gone, &a, &c],
                2,
                pending("1 of 2 pods are Ready; c: is not Ready: R"),
            ),
            (
                vec![&gone],
                1,
                pending("0 of 1 pods are Ready; 0: is being deleted"),
            ),
        ] {
            assert_eq!(reason(&PODS.at_least(wanted, pods, pod::state)), expected);
        }
    }

    #[test]
    fn the_node_is_named() {
        let node = "n1".parse().unwrap();
        let on_node = Together {
            node: Some(&node),
            ..PODS
        };
        let unready = mk_pod("a", "False");
        for (pods, expected) in [
            (vec![], "there are no such pods on the node n1"),
            (
                vec![&unready],
                "0 of 1 pods on the node n1 are Ready; a: is not Ready: R",
            ),
        ] {
            assert_eq!(
                reason(&on_node.at_least(1, pods, pod::state)),
                pending(expected)
            );
        }
    }

    #[test]
    fn all_objects_must_hold_and_there_must_be_one() {
        let (a, b) = (mk_job("a", "Complete"), mk_job("b", "Complete"));
        let (c, d) = (mk_job("c", "Suspended"), mk_job("d", "Suspended"));
        for (jobs, expected) in [
            (vec![&b, &a], Ok(())),
            (vec![], pending("there are no such Jobs")),
            (
                vec![&d, &a, &c],
                pending("1 of 3 Jobs are complete; c: 0 of 1 pods succeeded"),
            ),
        ] {
            assert_eq!(reason(&JOBS.all(jobs, job::state)), expected);
        }
    }

    #[test]
    fn one_failed_object_fails_all_and_the_latest_is_named() {
        let (a, d) = (mk_job("a", "Suspended"), mk_job("d", "Complete"));
        let (b, c) = (mk_job("b", "Failed"), mk_job("c", "Failed"));
        let failed = |name: &str, since: Option<&str>| ObjectState::Failed {
            reason: format!("{name}: has failed: R"),
            since: since.map(|it| it.parse().unwrap()),
        };
        assert_eq!(JOBS.all([&d, &c, &b, &a], job::state), failed("b", None));
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let at = |mut job: Value, moment: &str| {
            job["status"]["conditions"][0]["lastTransitionTime"] = moment.into();
            job
        };
        let (b, c) = (at(b, early), at(c, late));
        let latest = failed("c", Some(late));
        assert_eq!(JOBS.all([&d, &c, &b, &a], job::state), latest);
    }
}
