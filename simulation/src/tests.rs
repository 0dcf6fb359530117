mod controller;
mod jobs;
mod manifests;
mod order;

use std::time::Duration;

use oncue_language::{Condition, Grace, State};
use serde_json::json;

use crate::{
    Cluster, Inventory, Moment, Options, Outlook, PodId, StoreView,
    cluster::{FuturePod, Pod},
    kit::{Run, mk_options, mk_options_with, pod, simulate, workload},
    producers::{Producer, Producers},
};

#[test]
fn a_pod_starts_once_what_it_waits_for_is_signalled() {
    let run = simulate(&[
        pod("second", json!({"depends-on": "first/container"})),
        pod("first", json!({"signals": "first/container"})),
    ]);
    assert!(run.stuck().is_empty());
    assert_eq!(
        run.lines_of("second"),
        [
            "waits for first/container",
            "has waited 0.22s for first/container",
            "container main started",
            "ready",
        ]
    );
    let signalled = run.position("first signals first/container");
    assert!(signalled < run.position("second container main started"));
}

#[test]
fn ready_is_withdrawn_when_the_container_ends() {
    let part = json!({"signals-on-ready": "web/ready", "oncue.dev/rehearse": "ready=2s run=5s"});
    let run = simulate(&[pod("web", part)]);
    assert!(run.stuck().is_empty());
    assert_eq!(
        run.lines_of("web"),
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
    let run = simulate(&[
        workload("Job", "migrate", fails),
        pod("web", json!({"depends-on": "job:migrate, !migrate/failed"})),
    ]);
    assert_eq!(run.stuck(), ["web: !migrate/failed"]);
    let failed: Vec<_> = run
        .lines
        .iter()
        .filter(|l| l.contains("signals migrate"))
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let restarted = run.lines_of("web").into_iter().any(|line| {
        line.starts_with("failed to wait: exit code 3: Failed after ")
            && line.ends_with("; its container is started again and stays inside")
    });
    assert!(restarted, "{:?}", run.lines);
    assert!(run.position("job/migrate has failed") > 0);
}

#[test]
fn a_complete_job_releases_its_dependents() {
    let run = simulate(&[
        workload("Job", "migrate", json!({"completions": 3})),
        pod("web", json!({"depends-on": "job:migrate"})),
    ]);
    assert!(run.stuck().is_empty());
    assert!(run.position("job/migrate complete") < run.position("web ready"));
}

#[test]
fn ordinals_start_one_by_one() {
    let run = simulate(&[
        workload("StatefulSet", "db", json!({"replicas": 3})),
        pod("web", json!({"depends-on": "statefulset:db"})),
    ]);
    assert!(run.stuck().is_empty());
    assert!(run.position("db-0 ready") < run.position("db-1 admitted"));
    assert!(run.position("db-1 ready") < run.position("db-2 admitted"));
    assert!(run.position("db-2 ready") < run.position("web ready"));
}

#[test]
fn a_barrier_holds_until_all_workers_signal() {
    let annotations = json!({
        "signals-on-init": "there/$(POD_NAME)", "signals": "workers/$(POD_NAME)",
    });
    let run = simulate(&[
        workload(
            "Deployment",
            "workers",
            json!({"replicas": 3, "annotations": annotations}),
        ),
        pod("lead", json!({"depends-on": "workers/*>=3"})),
    ]);
    assert!(run.stuck().is_empty());
    let last = run
        .lines
        .iter()
        .rposition(|line| line.contains(" signals workers/"))
        .unwrap();
    assert!(last < run.position("lead ready"));
}

#[test]
fn pods_that_signal_before_they_wait_can_wait_for_each_other() {
    let peer = |name: &str, other: &str, mode: &str| {
        let annotations = json!({
            "signals-on-wait": format!("peers/{name}=$(POD_NAME)"),
            "depends-on": format!("peers/{other}={other}"),
            "depends-on-mode": mode,
        });
        pod(name, annotations)
    };
    for mode in ["init", "gate"] {
        let run = simulate(&[peer("a", "b", "init"), peer("b", "a", mode)]);
        assert!(run.stuck().is_empty(), "{mode}");
        assert!(run.position("a signals peers/a=a") < run.position("b ready"));
        assert!(run.position("b signals peers/b=b") < run.position("a ready"));
    }
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
    let options = Options {
        nodes: 2,
        ..mk_options()
    };
    let run = Run::new(&objects, options);
    assert!(run.stuck().is_empty());
    let signals: Vec<_> = run
        .lines
        .iter()
        .filter(|l| l.contains(" signals cni/node-"))
        .collect();
    assert_eq!(signals.len(), 2);
}

#[test]
fn a_gate_keeps_a_pod_off_the_nodes() {
    let run = simulate(&[
        pod(
            "second",
            json!({"depends-on": "first/up", "depends-on-mode": "gate"}),
        ),
        pod("first", json!({"signals": "first/up"})),
    ]);
    assert!(run.stuck().is_empty());
    let signalled = run.position("first signals first/up");
    assert!(signalled < run.position("second scheduled to node-1"));
}

#[test]
fn an_optional_term_delays_and_a_deadlock_is_found_without_a_timeout() {
    let run = simulate(&[
        pod("web", json!({"depends-on": "?cache/warm within 30s"})),
        pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
        pod("b", json!({"depends-on": "a/up", "signals": "b/up"})),
    ]);
    assert_eq!(run.stuck(), ["a: b/up", "b: a/up"]);
    assert!(
        run.finish.took >= Duration::from_secs(30),
        "{:?}",
        run.finish.took
    );
    let run = simulate(&[
        pod("a", json!({"depends-on": "b/up", "signals": "a/up"})),
        pod("b", json!({"depends-on": "a/up", "signals": "b/up"})),
    ]);
    assert_eq!(run.stuck(), ["a: b/up", "b: a/up"]);
    assert!(
        run.finish.took < Duration::from_secs(1),
        "{:?}",
        run.finish.took
    );
}

#[test]
fn a_held_pod_leaves_its_dependents_stuck() {
    let objects = [
        pod("db", json!({"signals": "db/up"})),
        pod("web", json!({"depends-on": "db/up"})),
    ];
    let options = Options {
        hold: ["db".to_owned()].into(),
        ..mk_options()
    };
    let run = Run::new(&objects, options);
    assert_eq!(run.stuck(), ["web: db/up"]);
    assert_eq!(run.lines_of("db"), ["held: its own containers never start"]);
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
    let run = Run::new(&objects, mk_options());
    assert_eq!(run.stuck(), ["web: https://api.example.com/"]);
    let options = Options {
        assumptions: vec!["api.example.com".parse().unwrap()],
        ..mk_options()
    };
    let run = Run::new(&objects, options);
    assert!(run.stuck().is_empty());
}

#[test]
fn an_existing_variable_is_there_before_the_first_pod_and_its_value_counts() {
    let objects = [
        pod("web", json!({"depends-on": "db/up=v2, db/*>=2"})),
        pod("late", json!({"depends-on": "db/up=v3"})),
    ];
    let run = Run::new(&objects, mk_options_with(&["db/up=v2", "db/down"]));
    assert_eq!(run.stuck(), ["late: db/up=v3"]);
    let report = serde_json::to_value(run.report()).unwrap();
    let from = &report["pods"][0]["for"][0]["from"];
    assert_eq!(from, &json!(["the assumption db/up=v2"]));
    let why = &report["stuck"][0]["because"];
    assert_eq!(
        why,
        "which nobody signals: --assume 'db/up@default=v3' if it exists"
    );
}

#[test]
fn what_a_hint_says_to_assume_makes_a_number_of_variables_or_owners_hold() {
    let terms = "workers/*>=3, quorum/up>=2";
    let objects = [pod("web", json!({"depends-on": terms}))];
    let report = serde_json::to_value(Run::new(&objects, mk_options()).report()).unwrap();
    let because = |at: usize| report["stuck"][at]["because"].as_str().unwrap();
    let hint = |what| format!("which nobody signals: --assume '{what}' if it exists");
    assert_eq!(because(0), hint("workers/*@default>=3"));
    assert_eq!(because(1), hint("quorum/up@default>=2"));
    let few = mk_options_with(&["workers/*@default>=2", "quorum/up"]);
    let missing = format!("web: {terms}");
    assert_eq!(Run::new(&objects, few).stuck(), [missing]);
    let enough = mk_options_with(&["workers/*@default>=3", "quorum/up@default>=2"]);
    assert!(Run::new(&objects, enough).stuck().is_empty());
}

#[test]
fn a_probe_is_made_at_once_when_its_service_becomes_ready() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"},
        "spec": {"selector": {"app": "cache"}, "ports": [{"port": 6379}]},
    });
    let objects = [
        service,
        pod("cache", json!({"oncue.dev/rehearse": "ready=10m"})),
        pod("web", json!({"depends-on": "tcp://redis:6379"})),
    ];
    let run = simulate(&objects);
    assert!(run.stuck().is_empty());
    // Without a nudge, the next probe would come up to 5 s later.
    let at_once = Duration::from_millis(600_500);
    assert!(run.finish.took < at_once, "{:?}", run.finish.took);
}

#[test]
fn a_term_on_the_own_node_holds_if_it_is_assumed() {
    let objects = [
        pod("web", json!({"depends-on": "daemonset:cni on node, a/b"})),
        pod(
            "late",
            json!({"signals-on-ready": "a/b", "oncue.dev/rehearse": "ready=2m"}),
        ),
    ];
    let run = simulate(&objects);
    assert_eq!(run.stuck(), ["web: daemonset:cni on node=node-1"]);
    let options = Options {
        assumptions: vec!["daemonset:cni".parse().unwrap()],
        ..mk_options()
    };
    let run = Run::new(&objects, options);
    assert!(run.stuck().is_empty(), "{:?}", run.stuck());
    assert!(run.position("late signals a/b") < run.position("web ready"));
}

#[test]
fn a_term_on_the_own_node_is_told_its_own_verdict() {
    let run = simulate(&[
        pod(
            "web",
            json!({"depends-on": "daemonset:cni on node, a/b", "depends-on-timeout": "5s"}),
        ),
        pod("first", json!({"signals": "a/b"})),
    ]);
    let failure = run.lines_of("web")[1];
    assert!(
        failure.contains("daemonset:cni on node=node-1"),
        "{failure}"
    );
    assert!(!failure.contains("a/b"), "{failure}");
}

#[test]
fn rejects_options_with_an_unknown_name() {
    let options = Options {
        fail: ["nobody".to_owned()].into(),
        ..mk_options()
    };
    let error = Cluster::new(Inventory::default(), options).unwrap_err();
    assert!(
        error.to_string().contains("\"nobody\" is neither"),
        "{error}"
    );
}

#[test]
fn names_the_pod_that_would_bring_a_missing_term() {
    let run = simulate(&[workload(
        "StatefulSet",
        "db",
        json!({
            "replicas": 2, "annotations": {"depends-on": "db/db-1", "signals": "db/$(POD_NAME)"},
        }),
    )]);
    assert_eq!(run.stuck(), ["db-0: db/db-1"]);
    let future = Producer::Future(FuturePod {
        controller: 0,
        slot: 1,
    });
    let producers = Producers::of(&run.cluster);
    let term = &run.cluster.pod(PodId(0)).declaration.terms[0];
    assert_eq!(producers.of_term(PodId(0), term), [future]);
    assert_eq!(producers.name(future), "db-1");
}

/// A store without variables.
struct Empty {
    holds: bool,
}

impl StoreView for Empty {
    fn judge(&self, conditions: &[Condition], _grace: Grace) -> Vec<State> {
        vec![State::Missing; conditions.len()]
    }

    fn holds(&self, _pod: &Pod) -> bool {
        self.holds
    }
}

#[test]
fn nothing_is_over_before_every_client_has_seen_the_present_state() {
    let mut run = simulate(&[pod("web", json!({"depends-on": "a/b"}))]);
    assert_eq!(run.stuck(), ["web: a/b"]);
    let moment = Moment {
        now: run.finish.took,
        patience: Duration::ZERO,
    };
    let mut outlook = |holds| run.cluster.outlook(moment, &Empty { holds });
    assert_eq!(outlook(false), Outlook::Going);
    assert_eq!(outlook(true), Outlook::Over(run.finish.stuck.clone()));
}

#[test]
fn a_probe_that_has_held_once_holds_for_that_pod() {
    let part = json!({"oncue.dev/rehearse": "run=5s"});
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "cache"},
        "spec": {"selector": {"app": "cache"}},
    });
    let cache = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cache", "labels": {"app": "cache"}, "annotations": part},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main"}]},
    });
    let web = pod("web", json!({"depends-on": "tcp://cache:1, a/b"}));
    let mut run = Run::new(&[service, cache, web], mk_options());
    assert_eq!(run.stuck(), ["web: a/b"]);
    let (cache, web) = (PodId(0), PodId(1));
    let probe = run.cluster.pod(web).declaration.terms[0]
        .probe()
        .cloned()
        .unwrap();
    assert!(run.cluster.probe(cache, &probe).is_err(), "it has ended");
    let states = run.cluster.states(web, &Empty { holds: true });
    assert_eq!(states, [State::Held, State::Missing]);
}

#[test]
fn a_run_is_the_same_each_time() {
    let objects = [
        pod("cache", json!({"oncue.dev/rehearse": "ready=7s"})),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "cache"},
            "spec": {"selector": {"app": "cache"}},
        }),
        pod(
            "web",
            json!({"depends-on": "tcp://cache:1, ?a/b within 3s", "signals": "web/up"}),
        ),
        workload(
            "Deployment",
            "late",
            json!({
                "replicas": 3, "annotations": {"depends-on": "web/up, !a/b"},
            }),
        ),
    ];
    let [first, second] = [(); 2].map(|()| simulate(&objects));
    assert_eq!(first.lines, second.lines);
    assert_eq!(first.finish.took, second.finish.took);
    assert!(first.stuck().is_empty());
}

#[test]
fn an_hour_takes_no_time() {
    let run = simulate(&[
        pod(
            "slow",
            json!({"oncue.dev/rehearse": "ready=1h", "signals-on-ready": "slow/up"}),
        ),
        pod("web", json!({"depends-on": "slow/up"})),
    ]);
    assert!(run.stuck().is_empty());
    assert!(run.finish.took >= Duration::from_hours(1));
}

#[test]
fn a_gate_gives_up_an_optional_term_when_its_time_is_over() {
    let annotations = json!({"depends-on": "?a/b within 5s", "depends-on-mode": "gate"});
    let run = simulate(&[pod("web", annotations)]);
    assert!(run.stuck().is_empty());
    assert_eq!(
        run.lines_of("web")[1],
        "has waited 5.00s for ?a/b within 5s"
    );
}

#[test]
fn a_gate_opens_when_its_time_is_over_if_the_wait_proceeds() {
    let annotations = json!({
        "depends-on": "a/b", "depends-on-mode": "gate",
        "depends-on-timeout": "5s", "depends-on-timeout-policy": "proceed",
    });
    let run = simulate(&[pod("web", annotations)]);
    assert!(run.stuck().is_empty(), "{:?}", run.lines);
    assert_eq!(run.lines_of("web")[1], "has waited 5.00s for a/b");
}

#[test]
fn a_pod_that_is_in_admission_when_its_job_ends_never_runs() {
    let spec = json!({
        "parallelism": 2, "completions": 2, "backoffLimit": 0,
        "annotations": {"oncue.dev/rehearse": "fail"},
    });
    let run = simulate(&[workload("Job", "load", spec)]);
    let failed = run
        .lines
        .iter()
        .filter(|line| line.contains("failed: as it was told to"));
    assert_eq!(failed.count(), 1);
    assert!(
        run.lines
            .iter()
            .any(|line| line.ends_with("deleted with its Job"))
    );
}
