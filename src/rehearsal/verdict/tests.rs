use serde_json::{Value, json};

use super::*;
use crate::rehearsal::{
    directions::Directions,
    stage::theatre::{Theatre, pod, workload},
};

fn verdict(objects: &[Value], directions: Directions) -> Verdict {
    let mut theatre = Theatre::open(objects, directions);
    let stuck = theatre.play_to_the_end();
    Verdict::new(&theatre.stage, &stuck)
}

fn mk_directions() -> Directions {
    Directions {
        nodes: 1,
        ..Directions::default()
    }
}

fn shown(blocked: &[Blocked]) -> Vec<String> {
    blocked.iter().map(ToString::to_string).collect()
}

#[test]
fn a_ring_is_told_from_who_waits_for_it() {
    let verdict = verdict(
        &[
            pod("outside", json!({"depends-on": "a/up"})),
            pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
            pod("b", json!({"depends-on": "x/y, a/up", "signals": "b/up"})),
        ],
        mk_directions(),
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
fn a_pod_that_comes_after_its_producer_is_a_ring_too() {
    let spec = json!({
        "replicas": 2, "annotations": {"depends-on": "db/db-1", "signals": "db/$(POD_NAME)"},
    });
    let verdict = verdict(&[workload("StatefulSet", "db", spec)], mk_directions());
    assert_eq!(verdict.result, Outcome::Deadlock);
    let ring = ["db-0 waits for db/db-1 from db-1, which is not created yet"];
    assert_eq!(shown(&verdict.ring), ring);
    assert_eq!(verdict.not_created, ["1 pods of statefulset/db"]);
}

#[test]
fn says_why_what_is_missing_does_not_come() {
    let fails = json!({"backoffLimit": 0, "annotations": {"oncue.dev/rehearse": "fail"}});
    let objects = [
        workload("Job", "migrate", fails),
        pod("held", json!({"signals": "held/up"})),
        pod(
            "once",
            json!({"signals-on-ready": "once/ready", "oncue.dev/rehearse": "fail"}),
        ),
    ];
    for (term, because) in [
        ("a/b", "which nobody signals"),
        ("a/*>=2", "which nobody signals"),
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
        ("!job:migrate", "which has happened"),
    ] {
        let mut objects = objects.to_vec();
        objects.push(pod("web", json!({"depends-on": term})));
        let directions = Directions {
            hold: ["held".to_owned()].into(),
            ..mk_directions()
        };
        let verdict = verdict(&objects, directions);
        assert_eq!(verdict.result, Outcome::Stuck, "{term}");
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
                "backoffLimit": 0, "annotations": {"depends-on": "!a/b"},
            }),
        ),
    ];
    let verdict = verdict(&objects, mk_directions());
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
    assert_eq!(verdict(&told, mk_directions()).result, Outcome::Passed);
}
