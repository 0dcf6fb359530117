//! Whole rehearsals without a process: a store of names, and clients that see everything at once.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(...) reads better without a &"
)]

use std::collections::BTreeMap;

use oncue_language::{Condition, Namespace, ObjectKey, ObjectState, VariableKey, View, evaluate};
use serde_json::{Value, json};

use super::*;
use crate::{
    life::AssertionId,
    rehearsal::quiescence::{Moment, TermState},
};

/// The store, and every client.
#[derive(Default)]
struct World {
    assertions: BTreeMap<String, Vec<(AssertionId, Option<oncue_language::Value>)>>,
    objects: BTreeMap<ObjectKey, Option<ObjectState>>,
}

impl View for World {
    fn owners(&self, key: &VariableKey) -> usize {
        self.assertions.get(&key.to_string()).map_or(0, Vec::len)
    }

    fn has_value(&self, key: &VariableKey, value: &oncue_language::Value) -> bool {
        self.assertions[&key.to_string()]
            .iter()
            .any(|(_, v)| v.as_ref() == Some(value))
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        let stem = format!("{}/", prefix.name);
        self.assertions
            .iter()
            .filter(|(key, all)| key.starts_with(&stem) && !all.is_empty())
            .count()
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        let state = self.objects.get(key).cloned().flatten();
        state.unwrap_or_else(|| ObjectState::Pending("does not exist".to_owned()))
    }
}

impl Observer for World {
    fn judge(&self, conditions: &[Condition]) -> Vec<TermState> {
        let state = |condition| match evaluate::judge(condition, self) {
            evaluate::Verdict::Failed(_) => TermState::Failed,
            evaluate::Verdict::Held => TermState::Held,
            evaluate::Verdict::Missing(_) => TermState::Missing,
        };
        conditions.iter().map(state).collect()
    }

    fn holds(&self, _pod: &Actor) -> bool {
        true
    }
}

/// A rehearsal on its way, with everything that was told.
struct Theatre {
    stage: Stage,
    world: World,
    now: Duration,
    told: Vec<String>,
}

impl Theatre {
    fn open(objects: &[Value], directions: Directions) -> Self {
        let cast = Cast::new(objects, &Namespace::default()).unwrap();
        Self {
            stage: Stage::new(cast, directions).unwrap(),
            world: World::default(),
            now: Duration::ZERO,
            told: Vec::new(),
        }
    }

    /// Plays to the end and returns who is stuck, with the terms that are missing.
    fn play(&mut self) -> Vec<String> {
        self.handle(Event::Tick);
        loop {
            let moment = Moment {
                now: self.now,
                patience: Duration::from_secs(1),
            };
            match self.stage.outlook(moment, &self.world) {
                Outlook::GatesOpen(pods) => {
                    for pod in pods {
                        self.handle(Event::GateOpened(pod));
                    }
                }
                Outlook::Going if self.let_a_client_go(moment) => {}
                Outlook::Going => {
                    let second = self.now + Duration::from_secs(1);
                    self.now = self.stage.next_due().unwrap_or(second).min(second);
                    self.handle(Event::Tick);
                }
                Outlook::Over(stuck) => return stuck.iter().map(|s| self.shown(s)).collect(),
            }
            assert!(
                self.now < Duration::from_hours(1),
                "it never ends: {:?}",
                self.told
            );
        }
    }

    fn shown(&self, stuck: &Stuck) -> String {
        let pod = self.stage.pod(stuck.pod);
        let terms: Vec<_> = stuck
            .missing
            .iter()
            .map(|t| pod.asks.terms[*t].to_string())
            .collect();
        format!("{}: {}", pod.name, terms.join(", "))
    }

    /// Ends the first client whose wait is over.
    fn let_a_client_go(&mut self, moment: Moment) -> bool {
        let ended = self.stage.pods().find_map(|(pod, actor)| {
            let standing = actor
                .wait()?
                .standing(&self.stage.states(pod, &self.world), moment);
            match standing {
                crate::rehearsal::quiescence::Standing::Over => Some((pod, 0)),
                crate::rehearsal::quiescence::Standing::Failing => Some((pod, 3)),
                _ => None,
            }
        });
        let Some((pod, code)) = ended else {
            return false;
        };
        let exit = Exit(Some(code));
        self.handle(Event::Exited { pod, exit });
        true
    }

    fn handle(&mut self, event: Event) {
        for action in self.stage.handle(self.now, event) {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Admit { pod, object } => {
                let admission = mk_admission(&object);
                self.handle(Event::Admitted { pod, admission });
            }
            Action::Assert { key, id, value } => {
                let all = self.world.assertions.entry(key.to_string()).or_default();
                all.retain(|(other, _)| *other != id);
                all.push((id, value));
            }
            Action::Run {
                pod,
                task: Task::Marker(_),
            } => {
                let exit = Exit(Some(0));
                self.handle(Event::Exited { pod, exit });
            }
            Action::Clear { .. } | Action::Run { .. } | Action::Stop(_) => {}
            Action::SetObject { key, state } => {
                self.world.objects.insert(key, state);
            }
            Action::Tell(Cue { subject, what }) => self.told.push(format!("{subject} {what}")),
            Action::Withdraw { key, id } => {
                let all = self.world.assertions.entry(key.to_string()).or_default();
                all.retain(|(other, _)| *other != id);
            }
        }
    }

    /// Returns what was told of one pod or Job, but for admission and scheduling.
    fn told_of(&self, subject: &str) -> Vec<&str> {
        let lines = self
            .told
            .iter()
            .filter_map(|line| line.strip_prefix(subject));
        let lines = lines.filter_map(|line| line.strip_prefix(' '));
        lines
            .filter(|l| *l != "admitted" && !l.starts_with("scheduled"))
            .collect()
    }

    fn position(&self, line: &str) -> usize {
        let position = self.told.iter().position(|told| told == line);
        position.unwrap_or_else(|| panic!("{line:?} was not told: {:#?}", self.told))
    }
}

/// Puts in what the webhook would, as far as the stage cares.
fn mk_admission(object: &Value) -> Admission {
    let mut object = object.clone();
    if object["metadata"]["annotations"]["depends-on-mode"] != "gate"
        && object["metadata"]["annotations"]["depends-on"].is_string()
    {
        object["spec"]["initContainers"] = json!([{"name": "oncue-wait"}]);
    }
    let container = object["spec"]["containers"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let record = json!({"signals-container": container}).to_string();
    object["metadata"]["annotations"]["oncue.dev/injected"] = record.into();
    Admission::Allowed {
        object,
        warnings: Vec::new(),
    }
}

fn mk_directions() -> Directions {
    Directions {
        nodes: 1,
        fail: BTreeSet::new(),
        hold: BTreeSet::new(),
        assumptions: Vec::new(),
    }
}

fn mk_spec() -> Value {
    json!({"containers": [{"name": "main"}]})
}

fn pod(name: &str, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": annotations},
        "spec": mk_spec(),
    })
}

fn workload(kind: &str, name: &str, mut spec: Value) -> Value {
    let group = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let annotations = spec["annotations"].take();
    let mut pod = mk_spec();
    if kind == "Job" {
        pod["restartPolicy"] = "Never".into();
    }
    spec["template"] = json!({
        "metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": pod,
    });
    json!({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn play(objects: &[Value]) -> (Theatre, Vec<String>) {
    let mut theatre = Theatre::open(objects, mk_directions());
    let stuck = theatre.play();
    (theatre, stuck)
}

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
        theatre
            .told_of("web")
            .contains(&"a dependency failed (exit code 3); it is started again and stays inside")
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
