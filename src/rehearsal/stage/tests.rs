use std::time::Duration;

use serde_json::json;

use super::{
    theatre::{Theatre, mk_directions, play, pod, workload},
    *,
};
use crate::rehearsal::quiescence::Moment;

#[test]
fn a_pod_starts_once_what_it_waits_for_is_signalled() {
    let (theatre, stuck) = play(&[
        pod("second", json!({"depends-on": "first/container"})),
        pod("first", json!({"signals": "first/container"})),
    ]);
    assert!(stuck.is_empty());
    assert_eq!(
        theatre.told_of("second"),
        [
            "waits for first/container",
            "has waited 0.00s for first/container",
            "container main started",
            "ready",
        ]
    );
    let signalled = theatre.position("first signals first/container");
    assert!(signalled < theatre.position("second container main started"));
}

#[test]
fn ready_is_withdrawn_when_the_container_ends() {
    let part = json!({"signals-on-ready": "web/ready", "oncue.dev/rehearse": "ready=2s run=5s"});
    let (theatre, stuck) = play(&[pod("web", part)]);
    assert!(stuck.is_empty());
    assert_eq!(
        theatre.told_of("web"),
        [
            "container main started",
            "ready",
            "signals web/ready",
            "not ready any more",
            "withdraws web/ready",
            "container main has ended and is started again",
            "container main started",
            "ready",
            "signals web/ready",
        ]
    );
}

#[test]
fn a_job_signals_its_own_end_and_not_that_of_an_attempt() {
    let fails = json!({
        "backoffLimit": 1,
        "annotations": {"signals-on-failure": "migrate/failed", "oncue.dev/rehearse": "fail"},
    });
    let (theatre, stuck) = play(&[
        workload("Job", "migrate", fails),
        pod("web", json!({"depends-on": "job:migrate, !migrate/failed"})),
    ]);
    assert_eq!(stuck, ["web: !migrate/failed"]);
    let failed: Vec<_> = theatre
        .told
        .iter()
        .filter(|l| l.contains("signals migrate"))
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        theatre.told_of("web").contains(
            &"failed to wait: exit code 3; its container is started again and stays inside"
        )
    );
    assert!(theatre.position("job/migrate has failed") > 0);
}

#[test]
fn a_complete_job_lets_its_dependents_go() {
    let (theatre, stuck) = play(&[
        workload("Job", "migrate", json!({"completions": 3})),
        pod("web", json!({"depends-on": "job:migrate"})),
    ]);
    assert!(stuck.is_empty());
    assert!(theatre.position("job/migrate complete") < theatre.position("web ready"));
}

#[test]
fn ordinals_start_one_by_one() {
    let (theatre, stuck) = play(&[
        workload("StatefulSet", "db", json!({"replicas": 3})),
        pod("web", json!({"depends-on": "statefulset:db"})),
    ]);
    assert!(stuck.is_empty());
    assert!(theatre.position("db-0 ready") < theatre.position("db-1 admitted"));
    assert!(theatre.position("db-1 ready") < theatre.position("db-2 admitted"));
    assert!(theatre.position("db-2 ready") < theatre.position("web ready"));
}

#[test]
fn a_barrier_holds_until_all_have_come() {
    let annotations = json!({
        "signals-on-init": "there/$(POD_NAME)", "signals": "workers/$(POD_NAME)",
    });
    let (theatre, stuck) = play(&[
        workload(
            "Deployment",
            "workers",
            json!({"replicas": 3, "annotations": annotations}),
        ),
        pod("lead", json!({"depends-on": "workers/*>=3"})),
    ]);
    assert!(stuck.is_empty());
    let last = theatre
        .told
        .iter()
        .rposition(|line| line.contains(" signals workers/"))
        .unwrap();
    assert!(last < theatre.position("lead ready"));
}

#[test]
fn a_daemon_sets_pods_know_their_node() {
    let annotations = json!({"signals": "cni/$(NODE_NAME)"});
    let objects = [
        workload(
            "Deployment",
            "web",
            json!({
                "replicas": 2, "annotations": {"depends-on": "cni/$(NODE_NAME)"},
            }),
        ),
        workload("DaemonSet", "cni", json!({"annotations": annotations})),
    ];
    let directions = Directions {
        nodes: 2,
        ..mk_directions()
    };
    let mut theatre = Theatre::open(&objects, directions);
    assert!(theatre.play().is_empty());
    let signals: Vec<_> = theatre
        .told
        .iter()
        .filter(|l| l.contains(" signals cni/node-"))
        .collect();
    assert_eq!(signals.len(), 2);
}

#[test]
fn a_gate_keeps_a_pod_off_the_nodes() {
    let (theatre, stuck) = play(&[
        pod(
            "second",
            json!({"depends-on": "first/up", "depends-on-mode": "gate"}),
        ),
        pod("first", json!({"signals": "first/up"})),
    ]);
    assert!(stuck.is_empty());
    let signalled = theatre.position("first signals first/up");
    assert!(signalled < theatre.position("second scheduled to node-1"));
}

#[test]
fn an_optional_term_delays_and_a_deadlock_is_found_without_a_timeout() {
    let (theatre, stuck) = play(&[
        pod("web", json!({"depends-on": "?cache/warm within 30s"})),
        pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
        pod("b", json!({"depends-on": "a/up", "signals": "b/up"})),
    ]);
    assert_eq!(stuck, ["a: b/up", "b: a/up"]);
    assert!(theatre.now >= Duration::from_secs(30), "{:?}", theatre.now);
    let (theatre, stuck) = play(&[
        pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
        pod("b", json!({"depends-on": "a/up", "signals": "b/up"})),
    ]);
    assert_eq!(stuck, ["a: b/up", "b: a/up"]);
    assert_eq!(theatre.now, Duration::ZERO);
}

#[test]
fn a_held_pod_starves_who_waits_for_it() {
    let objects = [
        pod("db", json!({"signals": "db/up"})),
        pod("web", json!({"depends-on": "db/up"})),
    ];
    let directions = Directions {
        hold: ["db".to_owned()].into(),
        ..mk_directions()
    };
    let mut theatre = Theatre::open(&objects, directions);
    assert_eq!(theatre.play(), ["web: db/up"]);
    assert_eq!(
        theatre.told_of("db"),
        ["held: its own containers never start"]
    );
}

#[test]
fn probes_ask_services_and_assumptions() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"},
        "spec": {"selector": {"app": "cache"}, "ports": [{"port": 6379}]},
    });
    let objects = [
        service,
        pod("cache", json!({})),
        pod(
            "web",
            json!({"depends-on": "tcp://redis:6379, https://api.example.com/, service:redis"}),
        ),
    ];
    let mut theatre = Theatre::open(&objects, mk_directions());
    assert_eq!(theatre.play(), ["web: https://api.example.com/"]);
    let directions = Directions {
        assumptions: vec!["api.example.com".parse().unwrap()],
        ..mk_directions()
    };
    let mut theatre = Theatre::open(&objects, directions);
    assert!(theatre.play().is_empty());
}

#[test]
fn refuses_directions_that_name_nobody() {
    let directions = Directions {
        fail: ["nobody".to_owned()].into(),
        ..mk_directions()
    };
    let error = Stage::new(Cast::default(), directions).unwrap_err();
    assert!(
        error.to_string().contains("\"nobody\" is neither"),
        "{error}"
    );
}

#[test]
fn names_who_would_bring_what_is_missing() {
    let (theatre, stuck) = play(&[workload(
        "StatefulSet",
        "db",
        json!({
            "replicas": 2, "annotations": {"depends-on": "db/db-1", "signals": "db/$(POD_NAME)"},
        }),
    )]);
    assert_eq!(stuck, ["db-0: db/db-1"]);
    let unborn = Producer::Unborn {
        controller: 0,
        name: "db-1".to_owned(),
    };
    assert_eq!(theatre.stage.producers(PodId(0), 0), [unborn]);
}

#[test]
fn nothing_is_over_before_every_client_has_seen_the_present_state() {
    let (mut theatre, stuck) = play(&[pod("web", json!({"depends-on": "a/b"}))]);
    assert_eq!(stuck, ["web: a/b"]);
    let moment = Moment {
        now: theatre.now,
        patience: Duration::ZERO,
    };
    theatre.world.is_behind = true;
    assert_eq!(
        theatre.stage.outlook(moment, &theatre.world),
        Outlook::Going
    );
}

#[test]
fn a_probe_that_has_held_once_holds_for_that_pod() {
    let part = json!({"oncue.dev/rehearse": "run=5s"});
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "cache"},
        "spec": {"selector": {"app": "cache"}},
    });
    let web = pod("web", json!({"depends-on": "tcp://cache:1, a/b"}));
    let mut theatre = Theatre::open(&[service, pod("cache", part), web], mk_directions());
    assert_eq!(theatre.play(), ["web: a/b"]);
    let (cache, web) = (PodId(0), PodId(1));
    let probe = theatre.stage.pod(web).asks.terms[0]
        .probe()
        .unwrap()
        .clone();
    assert_eq!(theatre.stage.probe(web, &probe), Ok(()));
    theatre.stage.actor(cache).is_ready = false;
    assert!(theatre.stage.probe(cache, &probe).is_err());
    assert!(theatre.stage.probe_holds(web, &probe) && !theatre.stage.probe_holds(cache, &probe));
}
