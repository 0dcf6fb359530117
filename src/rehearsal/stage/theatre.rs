//! Whole rehearsals without a process: a store of names, and clients that see everything at once.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(...) reads better without a &"
)]

use std::collections::BTreeMap;

use oncue_language::{
    Condition, Namespace, ObjectKey, ObjectState, State, VariableKey, View, evaluate,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    life::AssertionId,
    rehearsal::quiescence::{Moment, Standing, TermState},
};

/// The store, and every client.
#[derive(Default)]
pub(crate) struct World {
    /// That no client has seen the present state.
    pub(crate) is_behind: bool,
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
        let state = |condition| match evaluate::state(condition, self) {
            State::Failed => TermState::Failed,
            State::Held => TermState::Held,
            State::Missing => TermState::Missing,
        };
        conditions.iter().map(state).collect()
    }

    fn holds(&self, _pod: &Actor) -> bool {
        !self.is_behind
    }
}

/// A rehearsal on its way, with everything that was told.
pub(crate) struct Theatre {
    pub(crate) stage: Stage,
    pub(crate) world: World,
    pub(crate) now: Duration,
    pub(crate) told: Vec<String>,
}

impl Theatre {
    pub(crate) fn open(objects: &[Value], directions: Directions) -> Self {
        let objects = objects.iter().map(|object| ("play.yaml", object));
        let cast = Cast::new(objects, &Namespace::default()).unwrap();
        Self {
            stage: Stage::new(cast, directions).unwrap(),
            world: World::default(),
            now: Duration::ZERO,
            told: Vec::new(),
        }
    }

    /// Plays to the end and returns who is stuck, with the terms that are missing.
    pub(crate) fn play(&mut self) -> Vec<String> {
        let stuck = self.play_to_the_end();
        stuck.iter().map(|stuck| self.shown(stuck)).collect()
    }

    pub(crate) fn play_to_the_end(&mut self) -> Vec<Stuck> {
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
                Outlook::Over(stuck) => return stuck,
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
                Standing::Over => Some((pod, 0)),
                Standing::Failing => Some((pod, 3)),
                _ => None,
            }
        });
        let Some((pod, code)) = ended else {
            return false;
        };
        self.exit(pod, Exit(Some(code)));
        true
    }

    fn exit(&mut self, pod: PodId, exit: Exit) {
        let message = None;
        self.handle(Event::Exited { pod, exit, message });
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
                self.exit(pod, Exit(Some(0)));
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
    pub(crate) fn told_of(&self, subject: &str) -> Vec<&str> {
        let lines = self
            .told
            .iter()
            .filter_map(|line| line.strip_prefix(subject));
        let lines = lines.filter_map(|line| line.strip_prefix(' '));
        lines
            .filter(|l| *l != "admitted" && !l.starts_with("scheduled"))
            .collect()
    }

    pub(crate) fn position(&self, line: &str) -> usize {
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

pub(crate) fn mk_directions() -> Directions {
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

pub(crate) fn pod(name: &str, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": annotations},
        "spec": mk_spec(),
    })
}

pub(crate) fn workload(kind: &str, name: &str, mut spec: Value) -> Value {
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

pub(crate) fn play(objects: &[Value]) -> (Theatre, Vec<String>) {
    let mut theatre = Theatre::open(objects, mk_directions());
    let stuck = theatre.play();
    (theatre, stuck)
}
