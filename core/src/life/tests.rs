//! The life of a signal, from what a controller observes to the variables that exist.

mod histories;
mod hostile;
mod outcomes;
mod situations;

use std::collections::{BTreeMap, BTreeSet};

use oncue_language::{Namespace, VariableKey};

use super::*;
use crate::world::variables::Variables;

/// A store and the life of its signals, as a controller puts them together.
struct Kit {
    life: Life,
    variables: Variables,
    now: u64,
}

impl Kit {
    /// Returns a controller that has read two empty lists.
    fn mk() -> Self {
        let mut kit = Self {
            life: Life::default(),
            variables: Variables::default(),
            now: 1_000,
        };
        kit.life.pods_listed();
        kit.life.jobs_listed();
        kit
    }

    /// Starts the controller anew: it knows the variables, and nothing else.
    fn restart(&mut self) {
        self.life = Life::new(&self.variables);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now * 1_000)
    }

    /// Carries out a mutation.
    fn mutate(&mut self, mutation: &Mutation) {
        for update in mutation.decide(&self.variables).updates {
            self.variables.apply(&update);
            self.life.assertion_changed(&update);
        }
    }

    /// Carries out what is decided now, and returns which pods are to be confirmed.
    fn settle(&mut self) -> Vec<Owner> {
        let Decisions {
            mutations, confirm, ..
        } = self.life.decide(self.now());
        for mutation in &mutations {
            self.mutate(mutation);
        }
        let again = self.life.decide(self.now());
        assert_eq!(
            again.mutations,
            [],
            "a decision that was carried out changes nothing"
        );
        confirm
    }

    /// Carries out those mutations of earlier decisions that are still wanted.
    fn retry(&mut self, lost: &[Mutation]) {
        for mutation in lost {
            if self.life.wants(mutation, self.now()) {
                self.mutate(mutation);
            }
        }
    }

    fn observe(&mut self, pod: &ObservedPod) {
        self.life.observe_pod(pod.clone());
        self.settle();
    }

    fn observe_job(&mut self, job: &ObservedJob) {
        self.life.observe_job(job.clone());
        self.settle();
    }

    /// The pod is gone, and the API server says so when it is asked.
    fn delete(&mut self, pod: &ObservedPod) {
        self.life.pod_missing(&pod.id);
        for id in self.settle() {
            self.life.pod_confirmed(&id, None);
        }
        self.settle();
    }

    /// Returns every assertion, such as `a=v live of web-0`.
    fn shown(&self) -> Vec<String> {
        let shown = self.variables.assertions().map(|(key, it)| {
            let value = it
                .value
                .as_ref()
                .map_or(String::new(), |it| format!("={it}"));
            let owner = it.id.asserter.owner().map_or("hand", |owner| &owner.name);
            format!("{}{value} {} of {owner}", key.name, it.id.kind)
        });
        shown.collect()
    }

    /// Returns the variables that exist.
    fn names(&self) -> Vec<String> {
        let names: BTreeSet<_> = self
            .variables
            .assertions()
            .map(|(key, _)| key.name)
            .collect();
        names.iter().map(ToString::to_string).collect()
    }
}

fn mk_owner(name: &str, uid: &str) -> Owner {
    Owner::pod(Namespace::default(), name, uid)
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

/// Returns signals from texts such as `a, b=v`.
fn mk_signals(text: &str) -> Vec<DeclaredSignal> {
    let signals = oncue_language::Signal::parse_list(text).unwrap_or_default();
    let facts = oncue_language::Facts::default();
    let signals = signals
        .iter()
        .map(|it| DeclaredSignal::resolve(&it.value, &facts));
    signals.map(|it| it.unwrap().unwrap()).collect()
}

/// Returns a pod that runs and is Ready, and signals something at each step of its life.
fn mk_pod(name: &str, uid: &str) -> ObservedPod {
    ObservedPod {
        id: mk_owner(name, uid),
        node: Some("node-1".into()),
        created: Timestamp::from_millis(900_000),
        deletion: None,
        phase: PodPhase::Active,
        ended: Timestamp::from_millis(900_000),
        is_ready: true,
        is_restarting: false,
        signaller: ContainerState::Running,
        wait: ContainerState::Succeeded,
        is_gated: false,
        job: None,
        signals: Ok(PodSignals {
            init: mk_signals("init"),
            outcomes: OutcomeSignals::default(),
            ready: mk_signals("ready"),
            start: mk_signals("started"),
            wait: mk_signals("waiting"),
        }),
    }
}

/// Returns a pod that is to be started.
fn mk_new_pod(name: &str, uid: &str) -> ObservedPod {
    ObservedPod {
        is_ready: false,
        signaller: ContainerState::NotStarted,
        wait: ContainerState::NotStarted,
        ..mk_pod(name, uid)
    }
}

fn mk_outcomes() -> OutcomeSignals {
    OutcomeSignals {
        failure: mk_signals("failed"),
        success: mk_signals("done"),
    }
}

/// Returns a Job that has begun at `started`.
fn mk_job(name: &str, uid: &str, started: u64) -> ObservedJob {
    ObservedJob {
        id: mk_owner(name, uid),
        cron_job: None,
        started: Some(Timestamp::from_millis(started * 1_000)),
        end: None,
        signals: mk_outcomes(),
    }
}

fn ended(job: &ObservedJob, outcome: Outcome, at: u64) -> ObservedJob {
    let at = Timestamp::from_millis(at * 1_000);
    ObservedJob {
        end: Some(RunEnd { outcome, at }),
        ..job.clone()
    }
}

fn mk_deletion(requested: u64, deadline: u64) -> Deletion {
    Deletion {
        requested: Timestamp::from_millis(requested * 1_000),
        deadline: Timestamp::from_millis(deadline * 1_000),
    }
}
