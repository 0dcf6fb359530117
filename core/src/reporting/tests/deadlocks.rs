//! Pods that wait for each other.

use serde_json::{Value, json};

use super::*;

/// A pod that waits for a variable and signals another one.
fn mk_link(name: &str, waits_for: &str, signals: &str) -> Value {
    with_wait(mk_pod(name, waits_for, signals), &running_wait())
}

fn mk_ring() -> Kit {
    let mut kit = Kit::mk();
    kit.put(mk_link("a", "b/up", "a/up"));
    kit.put(mk_link("b", "c/up", "b/up"));
    kit.put(mk_link("c", "a/up", "c/up"));
    kit
}

#[test]
fn three_pods_in_a_ring_are_each_reported_within_5_seconds() {
    let mut kit = mk_ring();
    kit.put(mk_link("outside", "a/up", ""));
    let reports = kit.pass_seconds(4);
    for (name, missing) in [
        ("a", "b/up: signalled by Pod/b"),
        ("b", "c/up: signalled by Pod/c"),
        ("c", "a/up: signalled by Pod/a"),
    ] {
        let expected = format!(
            "Deadlock: Deadlock: Pod/a waits for b/up from Pod/b, Pod/b waits for c/up from \
             Pod/c, Pod/c waits for a/up from Pod/a. Waiting since 2026-11-27T10:00:00Z for 1 of \
             1: {missing}, whose pod waits itself"
        );
        assert_eq!(kit.shown(name), expected);
    }
    assert!(kit.shown("outside").starts_with("Waiting: "));
    let events = reports.events.iter();
    let events = events.filter(|it| it.reason == super::super::HeldReason::Deadlock);
    let events: Vec<_> = events.map(|it| &*it.pod.name).collect();
    assert_eq!(events, ["a", "b", "c"]);
    let counts = kit.reporter.summary().waiting;
    assert_eq!(counts.values().sum::<u64>(), 4);
}

#[test]
fn a_ring_that_someone_breaks_is_none_any_more() {
    let by_hand = |kit: &mut Kit| kit.create_variable("b/up");
    let by_another_pod = |kit: &mut Kit| kit.put(mk_pod("other", "", "b/up"));
    let by_deleting_one = |kit: &mut Kit| kit.delete("b");
    for break_it in [by_hand as fn(&mut Kit), by_another_pod, by_deleting_one] {
        let mut kit = mk_ring();
        kit.pass_seconds(4);
        assert!(kit.shown("a").starts_with("Deadlock: "));
        break_it(&mut kit);
        kit.pass_seconds(4);
        for name in ["a", "c"] {
            let shown = kit.shown(name);
            assert!(shown.starts_with("Waiting: "), "{shown}");
        }
    }
}

#[test]
fn what_lets_one_pod_go_on_is_no_deadlock() {
    let rest = |kit: &mut Kit| {
        kit.put(mk_link("b", "a/up", "b/up"));
    };
    let gated = |policy: &str| {
        let entries = json!({"depends-on-timeout": "1h", "depends-on-timeout-policy": policy});
        with_recorded(with_gate(mk_pod("a", "b/up", "a/up")), &entries)
    };
    for (pod, is_deadlock) in [
        (mk_link("a", "b/up", "a/up"), true),
        (mk_link("a", "?b/up", "a/up"), false),
        (mk_link("a", "!b/up", "a/up"), false),
        (gated("fail"), true),
        (gated("proceed"), false),
        (
            with_recorded(
                mk_link("a", "b/up", ""),
                &json!({"signals-on-wait": ["a/up"]}),
            ),
            false,
        ),
        // It signals without having waited: it runs.
        (
            with_state(mk_pod("a", "", "a/up"), &json!({"running": {}}), true),
            false,
        ),
        (mk_link("a", "b/up, tcp://b:1", "a/up"), true),
        (mk_link("a", "tcp://b:1", "a/up"), false),
    ] {
        let mut kit = Kit::mk();
        kit.put(pod.clone());
        rest(&mut kit);
        kit.pass_seconds(6);
        let is_so = kit.shown("b").starts_with("Deadlock: ");
        assert_eq!(is_so, is_deadlock, "{pod}: {}", kit.shown("b"));
    }
}

#[test]
fn objects_made_of_waiting_pods_close_a_ring_too() {
    let mut kit = Kit::mk();
    let mut web = with_owner(mk_link("web-5d4f-x", "db/up", ""), "ReplicaSet", "web-5d4f");
    web["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
    kit.put(web);
    kit.put(mk_link("db", "deployment:web", "db/up"));
    kit.set_object("deployment:web@shop", "0 of 1 replicas are ready");
    kit.pass_seconds(4);
    let ring = "Deadlock: Deadlock: Deployment/web waits for db/up from Pod/db, Pod/db waits for \
                deployment:web from Deployment/web. ";
    for name in ["web-5d4f-x", "db"] {
        let shown = kit.shown(name);
        assert!(shown.starts_with(ring), "{shown}");
    }
}

#[test]
fn a_ring_across_namespaces_names_them() {
    let mut kit = Kit::mk();
    kit.put(mk_link("a", "b/up@other", "a/up"));
    let mut other = mk_link("b", "a/up@shop", "b/up");
    other["metadata"]["namespace"] = "other".into();
    kit.put(other);
    kit.pass_seconds(4);
    let ring = "Deadlock: Deadlock: Pod/a (shop) waits for b/up@other from Pod/b (other), ";
    assert!(kit.shown("a").starts_with(ring), "{}", kit.shown("a"));
}

#[test]
fn a_pod_that_is_created_within_a_second_ends_the_ring_unreported() {
    let mut kit = mk_ring();
    let first = kit.pass(Duration::from_millis(500));
    kit.put(mk_pod("other", "", "b/up"));
    let reports = kit.pass_seconds(10);
    let reasons = first.conditions.iter().chain(&reports.conditions);
    let reasons: Vec<_> = reasons.map(|it| it.condition.reason.as_str()).collect();
    assert_eq!(reasons, ["Waiting"; 3]);
}
