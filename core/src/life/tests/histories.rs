//! Random histories: whatever is lost, doubled or late, the variables become true.

use proptest::prelude::*;

use super::*;
use crate::world::Action;

/// Something that happens to a pod of a small cluster, or to the controller.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A pod is created, in place of the one of this name if there is one.
    Create(usize),
    /// The kubelet goes on to the next step of the start.
    Advance(usize),
    ContainerFails(usize),
    RestartInPlace(usize),
    ToggleReady(usize),
    Delete(usize),
    Vanish(usize),
    EndInFailure(usize),
    RemoveLabel(usize),
    /// The marker's request arrives, late or twice.
    Marker(usize),
    /// Someone deletes a variable.
    DeleteVariable(usize),
    /// The watch shows the pod as it is now.
    Watch(usize),
    Relist,
    RestartController,
    /// The next decisions are not carried out.
    LoseWrites,
    Decide,
    Answer,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pod = 0..NAMES.len();
    let step = prop_oneof![
        2 => pod.clone().prop_map(Step::Create),
        6 => pod.clone().prop_map(Step::Advance),
        1 => pod.clone().prop_map(Step::ContainerFails),
        2 => pod.clone().prop_map(Step::RestartInPlace),
        1 => pod.clone().prop_map(Step::ToggleReady),
        1 => pod.clone().prop_map(Step::Delete),
        1 => pod.clone().prop_map(Step::Vanish),
        1 => pod.clone().prop_map(Step::EndInFailure),
        1 => pod.clone().prop_map(Step::RemoveLabel),
        2 => pod.clone().prop_map(Step::Marker),
        1 => (0..4_usize).prop_map(Step::DeleteVariable),
        8 => pod.prop_map(Step::Watch),
        1 => Just(Step::Relist),
        1 => Just(Step::RestartController),
        1 => Just(Step::LoseWrites),
        6 => Just(Step::Decide),
        3 => Just(Step::Answer),
        2 => (1..40_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const VARIABLES: [&str; 4] = ["init", "ready", "started", "waiting"];

/// A pod as it is.
struct Actual {
    pod: ObservedPod,
    has_label: bool,
}

/// A cluster with a controller.
struct Cluster {
    kit: Kit,
    pods: BTreeMap<usize, Actual>,
    created: u32,
    asked: Vec<Owner>,
    /// The writes that failed, and have to wait.
    lost: Vec<Mutation>,
    /// What some pod has implied when it was observed, or its marker has asserted.
    implied: BTreeSet<(Owner, VariableKey, Kind)>,
}

impl Cluster {
    fn mk() -> Self {
        Self {
            kit: Kit::mk(),
            pods: BTreeMap::new(),
            created: 0,
            asked: Vec::new(),
            lost: Vec::new(),
            implied: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Create(name) => {
                self.created += 1;
                let pod = mk_new_pod(NAMES[name], &self.created.to_string());
                self.pods.insert(
                    name,
                    Actual {
                        pod,
                        has_label: true,
                    },
                );
            }
            Step::Vanish(name) => {
                self.pods.remove(&name);
            }
            Step::RemoveLabel(name) => {
                if let Some(actual) = self.pods.get_mut(&name) {
                    actual.has_label = false;
                }
            }
            Step::Marker(name) => self.mark(name),
            Step::DeleteVariable(index) => self.kit.mutate(&Mutation {
                key: mk_key(VARIABLES[index]),
                action: Action::Delete,
            }),
            Step::Watch(name) => self.watch(name),
            Step::Relist => self.relist(),
            Step::RestartController => {
                self.kit.restart();
                self.asked.clear();
                self.lost.clear();
                self.relist();
                self.kit.life.jobs_listed();
            }
            Step::LoseWrites => self.lose_writes(),
            Step::Decide => self.decide(),
            Step::Answer => self.answer(),
            Step::Wait(seconds) => self.kit.now += seconds,
            _ => self.change(step),
        }
    }

    /// Lets the kubelet or the API server change a pod.
    fn change(&mut self, step: Step) {
        let now = self.kit.now;
        let (Step::Advance(name)
        | Step::ContainerFails(name)
        | Step::RestartInPlace(name)
        | Step::ToggleReady(name)
        | Step::Delete(name)
        | Step::EndInFailure(name)) = step
        else {
            return;
        };
        let Some(Actual { pod, .. }) = self.pods.get_mut(&name) else {
            return;
        };
        match step {
            Step::Advance(_) => advance(pod),
            Step::ContainerFails(_) if pod.signaller == ContainerState::Running => {
                pod.signaller = ContainerState::Restarting;
                pod.is_ready = false;
            }
            Step::RestartInPlace(_) => {
                pod.is_restarting = true;
                pod.is_ready = false;
                pod.signaller = ContainerState::NotStarted;
                pod.wait = ContainerState::NotStarted;
            }
            Step::ToggleReady(_) if pod.signaller == ContainerState::Running => {
                pod.is_ready = !pod.is_ready;
            }
            Step::Delete(_) => pod.deletion = Some(mk_deletion(now, now + 30)),
            Step::EndInFailure(_) => {
                pod.phase = PodPhase::Failed;
                pod.is_ready = false;
                pod.signaller = ContainerState::Failed;
            }
            _ => {}
        }
    }

    fn mark(&mut self, name: usize) {
        let Some(pod) = self.pods.get(&name).map(|actual| actual.pod.clone()) else {
            return;
        };
        if pod.signaller != ContainerState::Running {
            return;
        }
        let key = mk_key("started");
        let id = AssertionId::of(pod.id.clone(), Kind::Live);
        self.implied.insert((pod.id, key.clone(), Kind::Live));
        self.kit.mutate(&Mutation {
            key,
            action: Action::Assert {
                assertion: Assertion {
                    id,
                    value: None,
                    since: self.kit.now(),
                    expires: None,
                },
                existing: crate::world::Existing::KeepValue,
            },
        });
    }

    fn watch(&mut self, name: usize) {
        let Some(Actual { pod, has_label }) = self.pods.get(&name) else {
            return;
        };
        let pod = pod.clone();
        if !has_label {
            self.kit.life.pod_missing(&pod.id);
            return;
        }
        self.remember(&pod);
        self.kit.life.observe_pod(pod);
    }

    fn relist(&mut self) {
        self.kit.life.pods_listing();
        for name in 0..NAMES.len() {
            if self.pods.get(&name).is_some_and(|actual| actual.has_label) {
                self.watch(name);
            }
        }
        self.kit.life.pods_listed();
    }

    fn answer(&mut self) {
        for id in std::mem::take(&mut self.asked) {
            let of_name = self.pods.values().find(|it| it.pod.id.name == id.name);
            let found = of_name.map(|it| it.pod.clone());
            if let Some(pod) = found.as_ref().filter(|pod| pod.id == id) {
                self.remember(&pod.clone());
            }
            self.kit.life.pod_confirmed(&id, found);
        }
    }

    fn lose_writes(&mut self) {
        let lost = self.kit.life.decide(self.kit.now());
        self.asked.extend(lost.confirm);
        self.lost.extend(lost.mutations);
    }

    fn decide(&mut self) {
        self.kit.retry(&std::mem::take(&mut self.lost));
        let asked = self.kit.settle();
        self.asked.extend(asked);
    }

    fn remember(&mut self, pod: &ObservedPod) {
        let implied = pod.implied(self.kit.now());
        let implied = implied.iter().map(|it| {
            let key = VariableKey::new(pod.id.namespace.clone(), it.name.clone());
            (pod.id.clone(), key, it.kind)
        });
        self.implied.extend(implied);
    }

    /// Lets everything that is under way come to its end.
    fn calm_down(&mut self) {
        self.relist();
        for _ in 0..4 {
            self.decide();
            self.answer();
            self.kit.now += 20;
        }
        self.decide();
    }

    fn asserted(&self) -> BTreeSet<(Owner, VariableKey, Kind)> {
        let all = self.kit.variables.assertions();
        all.map(|(key, it)| (it.id.asserter.owner().unwrap().clone(), key, it.id.kind))
            .collect()
    }

    /// Checks that what is asserted is what the pods that exist imply, or implied earlier.
    fn check_truth(&self) {
        let now = self.kit.now();
        let asserted = self.asserted();
        for (owner, key, kind) in &asserted {
            let actual = self.pods.values().find(|it| it.pod.id == *owner);
            let actual = actual.unwrap_or_else(|| panic!("{owner:?} is gone, {key} stays"));
            assert!(actual.pod.keeps(*kind, now), "{key} of {:?}", actual.pod);
        }
        for Actual { pod, .. } in self.pods.values().filter(|it| it.has_label) {
            for implied in pod.implied(now) {
                let key = VariableKey::new(pod.id.namespace.clone(), implied.name.clone());
                assert!(
                    asserted.contains(&(pod.id.clone(), key, implied.kind)),
                    "{pod:?}"
                );
            }
        }
    }
}

fn advance(pod: &mut ObservedPod) {
    if pod.is_restarting {
        pod.is_restarting = false;
        return;
    }
    match (pod.wait, pod.signaller) {
        (ContainerState::NotStarted, _) => pod.wait = ContainerState::Running,
        (ContainerState::Running, _) => pod.wait = ContainerState::Succeeded,
        (_, ContainerState::Running) => pod.is_ready = true,
        _ => pod.signaller = ContainerState::Running,
    }
}

proptest! {
    #[test]
    fn whatever_happens_nothing_is_asserted_that_was_not_declared_and_observed(steps in steps()) {
        let mut cluster = Cluster::mk();
        for step in steps {
            cluster.take(step);
            let asserted = cluster.asserted();
            let unfounded: Vec<_> = asserted.difference(&cluster.implied).collect();
            prop_assert!(unfounded.is_empty(), "{unfounded:?}");
        }
    }

    #[test]
    fn whatever_was_lost_or_doubled_the_variables_become_true(steps in steps()) {
        let mut cluster = Cluster::mk();
        for step in steps {
            cluster.take(step);
        }
        cluster.calm_down();
        cluster.check_truth();
    }

    #[test]
    fn a_controller_that_starts_anew_finds_nothing_to_change(steps in steps()) {
        let mut cluster = Cluster::mk();
        for step in steps {
            cluster.take(step);
        }
        cluster.calm_down();
        let before = cluster.kit.shown();
        cluster.take(Step::RestartController);
        cluster.calm_down();
        prop_assert_eq!(cluster.kit.shown(), before);
    }

    #[test]
    fn a_restart_in_place_that_is_observed_leaves_no_live_signal(steps in steps(), name in 0..NAMES.len()) {
        let mut cluster = Cluster::mk();
        for step in steps {
            cluster.take(step);
        }
        for step in [Step::RestartInPlace(name), Step::Watch(name), Step::Relist, Step::Decide] {
            cluster.take(step);
        }
        if let Some(Actual { pod, has_label: true }) = cluster.pods.get(&name) {
            let left = cluster.asserted().into_iter().filter(|(owner, ..)| *owner == pod.id);
            prop_assert_eq!(left.collect::<Vec<_>>(), []);
        }
    }
}

/// A Job of the second kind of history: its name, and when it begins and ends.
#[derive(Clone, Debug)]
struct PlannedJob {
    name: String,
    outcome: Outcome,
    started: u64,
    ended: u64,
}

fn planned() -> impl Strategy<Value = Vec<PlannedJob>> {
    let job = (0..3_u32, any::<bool>(), 0..20_u64, 1..20_u64);
    prop::collection::vec(job, 1..6).prop_map(|planned| {
        // Every moment is used once.
        let moment = |at: u64, index: usize| 100 * at + index as u64;
        let job =
            |(index, (name, success, started, lasts)): (usize, (u32, bool, u64, u64))| PlannedJob {
                name: format!("m-{name}"),
                outcome: if success {
                    Outcome::Success
                } else {
                    Outcome::Failure
                },
                started: moment(started, 2 * index),
                ended: moment(started + lasts, 2 * index + 1),
            };
        planned.into_iter().enumerate().map(job).collect()
    })
}

/// Plays all moments in their order, as the design says them.
fn expected(planned: &[PlannedJob]) -> BTreeSet<String> {
    let moments = planned.iter().flat_map(|job| {
        [
            (job.started, job, None),
            (job.ended, job, Some(job.outcome)),
        ]
    });
    let mut moments: Vec<_> = moments.collect();
    moments.sort_by_key(|(at, ..)| *at);
    let mut done = BTreeSet::new();
    let mut failed = BTreeSet::new();
    for (_, job, outcome) in moments {
        match outcome {
            None => failed.clear(),
            Some(Outcome::Success) => {
                failed.clear();
                done.insert(&job.name);
            }
            Some(Outcome::Failure) => {
                done.clear();
                failed.insert(&job.name);
            }
        }
    }
    let shown = |kind: &str, names: BTreeSet<&String>| -> Vec<String> {
        names
            .iter()
            .map(|name| format!("{kind} durable of {name}"))
            .collect()
    };
    [shown("done", done), shown("failed", failed)]
        .concat()
        .into_iter()
        .collect()
}

proptest! {
    #[test]
    fn outcomes_do_not_depend_on_the_order_in_which_jobs_are_observed(
        planned in planned(),
        order in prop::collection::vec((0..6_usize, any::<bool>(), 0..8_u8), 0..30),
    ) {
        let mut kit = Kit::mk();
        kit.now = 10_000;
        let jobs = planned.iter().enumerate().map(|(index, job)| {
            mk_job(&job.name, &index.to_string(), job.started)
        });
        let jobs: Vec<_> = jobs.collect();
        let end = |index: usize| ended(&jobs[index], planned[index].outcome, planned[index].ended);
        let all: Vec<_> = (0..jobs.len()).map(end).collect();
        for (index, has_ended, other) in order {
            let index = index % jobs.len();
            kit.life.observe_job(if has_ended { all[index].clone() } else { jobs[index].clone() });
            if other > 1 {
                kit.settle();
            }
            if other == 7 {
                kit.restart();
                kit.life.pods_listed();
                for job in &all { kit.life.observe_job(job.clone()); }
                kit.life.jobs_listed();
            }
        }
        for job in &all { kit.life.observe_job(job.clone()); }
        kit.settle();
        let shown: BTreeSet<_> = kit.shown().into_iter().collect();
        prop_assert_eq!(shown, expected(&planned));
    }
}
