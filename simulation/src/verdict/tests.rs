use serde_json::{Value, json};

use super::*;
use crate::{
    kit::{Run, mk_options, pod, workload},
    options::Options,
};

fn verdict(objects: &[Value], options: Options) -> Verdict {
    let run = Run::new(objects, options);
    run.report().verdict
}

fn shown(blocked: &[Blocked]) -> Vec<String> {
    blocked.iter().map(ToString::to_string).collect()
}

#[test]
fn a_ring_is_told_apart_from_pods_that_wait_for_it() {
    let verdict = verdict(
        &[
            pod("outside", json!({"depends-on": "a/up"})),
            pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
            pod("b", json!({"depends-on": "x/y, a/up", "signals": "b/up"})),
        ],
        mk_options(),
    );
    assert_eq!(verdict.result, Outcome::Deadlock);
    assert_eq!(
        shown(&verdict.ring),
        [
            "a waits for b/up from b, which waits itself",
            "b waits for a/up from a, which waits itself",
        ]
    );
    assert_eq!(
        shown(&verdict.stuck),
        ["outside waits for a/up from a, which waits itself"]
    );
}

#[test]
fn a_pod_that_waits_for_a_later_one_of_its_controller_is_a_ring() {
    let spec = json!({
        "replicas": 2, "annotations": {"depends-on": "db/db-1", "signals": "db/$(POD_NAME)"},
    });
    let verdict = verdict(&[workload("StatefulSet", "db", spec)], mk_options());
    assert_eq!(verdict.result, Outcome::Deadlock);
    let ring = ["db-0 waits for db/db-1 from db-1, which is not created yet"];
    assert_eq!(shown(&verdict.ring), ring);
    assert_eq!(verdict.not_created, ["1 pods of statefulset/db"]);
}

#[test]
fn says_why_a_missing_term_does_not_hold() {
    let fails = json!({"backoffLimit": 0, "annotations": {"oncue.dev/rehearse": "fail"}});
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
        "spec": {"selector": {"app": "db"}},
    });
    let objects = [
        service,
        workload("Job", "migrate", fails),
        pod("held", json!({"signals": "held/up"})),
        pod(
            "once",
            json!({"signals-on-ready": "once/ready", "oncue.dev/rehearse": "fail"}),
        ),
    ];
    for (term, because) in [
        (
            "a/b",
            "which nobody signals: --assume a/b@default if it exists",
        ),
        (
            "a/*>=2",
            "which nobody signals: --assume 'a/*@default>=2' if it exists",
        ),
        ("held/up", "from held, which is held"),
        ("once/ready", "from once, which fails again and again"),
        (
            "deployment:x",
            "which is not in these files: --assume deployment:x if it is elsewhere",
        ),
        (
            "tcp://x:1",
            "which no Service of these files is: --assume x if it is elsewhere",
        ),
        (
            "!job:migrate, x/y",
            "(has failed: BackoffLimitExceeded) which has happened",
        ),
        (
            "certificates.cert-manager.io:web=Ready",
            "which is not played: --assume 'certificates.cert-manager.io:web=Ready' if it holds in \
             a cluster",
        ),
        (
            "pod:held",
            "(is not Ready: ImagePullBackOff) from held, which is held",
        ),
        (
            "pod:[app=held]>=2",
            "(0 of 2 pods are Ready; held: is not Ready: ImagePullBackOff) from held, which is held",
        ),
        (
            "pod:held{.status.phase}=Running",
            "(the field has another value) which no pod of these files brings",
        ),
        (
            "service:db",
            "(has no endpoint) which no pod of these files brings",
        ),
    ] {
        let mut objects = objects.to_vec();
        objects.push(pod("web", json!({"depends-on": term})));
        let options = Options {
            hold: ["held".to_owned()].into(),
            ..mk_options()
        };
        let verdict = verdict(&objects, options);
        assert_eq!(verdict.result, Outcome::Stuck, "{term}");
        let term = term.split(',').next().unwrap();
        assert_eq!(
            shown(&verdict.stuck),
            [format!("web waits for {term} {because}")]
        );
    }
}

#[test]
fn a_wait_that_fails_in_a_pod_that_never_restarts_is_a_failure() {
    let objects = [
        pod("a", json!({"signals": "a/b"})),
        workload(
            "Job",
            "load",
            json!({
                "backoffLimit": 0, "annotations": {"depends-on": "!a/b, x/y"},
            }),
        ),
    ];
    let verdict = verdict(&objects, mk_options());
    assert_eq!(verdict.result, Outcome::Failed);
    assert!(
        verdict.failed[0].contains("failed to wait: exit code 3"),
        "{:?}",
        verdict.failed
    );
}

#[test]
fn a_pod_that_was_told_to_fail_is_no_surprise() {
    let part = json!({"oncue.dev/rehearse": "fail"});
    let told = [workload("Job", "migrate", json!({"annotations": part}))];
    assert_eq!(verdict(&told, mk_options()).result, Outcome::Passed);
}
