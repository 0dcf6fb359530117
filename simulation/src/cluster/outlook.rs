//! Whether anything can still happen.

use oncue_language::{Condition, State, Term};

use super::{Cluster, Moment, Pod, PodId, steps::Step};
use crate::pending::Prospect;

/// What the store knows at one moment.
pub trait StoreView {
    /// Returns the state of each condition.
    fn judge(&self, conditions: &[Condition]) -> Vec<State>;

    /// Returns whether the store holds a wait of this pod.
    fn holds(&self, pod: &Pod) -> bool;
}

/// What is to be expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outlook {
    /// The gates of these pods open now.
    GatesOpen(Vec<PodId>),
    /// Something is under way.
    Going,
    /// Nothing will happen any more; these pods are stuck.
    Over(Vec<Stuck>),
}

/// A pod that waits for something that will never happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stuck {
    /// The pod.
    pub(crate) pod: PodId,
    /// The positions of the terms that are missing.
    pub(crate) missing: Vec<usize>,
}

/// What is to be expected of one pod that waits.
pub(crate) enum PodOutlook {
    GateOpens,
    Going,
    /// The positions of the terms that are missing.
    Stuck(Vec<usize>),
}

impl Cluster {
    /// Returns what is to be expected of the cluster.
    pub fn outlook(&self, moment: Moment, store: &impl StoreView) -> Outlook {
        let mut is_going = self.is_busy();
        let mut open = Vec::new();
        let mut stuck = Vec::new();
        for pod in self.waiting.iter().copied() {
            match self.outlook_of(pod, moment, store) {
                PodOutlook::GateOpens => open.push(pod),
                PodOutlook::Going => is_going = true,
                PodOutlook::Stuck(missing) => stuck.push(Stuck { pod, missing }),
            }
        }
        match (open.is_empty(), is_going) {
            (false, _) => Outlook::GatesOpen(open),
            (true, true) => Outlook::Going,
            (true, false) => Outlook::Over(stuck),
        }
    }

    /// Returns whether something is under way that does not depend on other pods.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy > 0
    }

    /// Returns the pods that wait, in the order of their creation.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = PodId> {
        self.waiting.iter().copied()
    }

    pub(crate) fn is_waiting(&self, id: PodId) -> bool {
        self.waiting.contains(&id)
    }

    /// Returns what is to be expected of one pod that waits.
    pub(crate) fn outlook_of(
        &self,
        id: PodId,
        moment: Moment,
        store: &impl StoreView,
    ) -> PodOutlook {
        let states = self.states(id, store);
        let is_gate = self.pod(id).step() == Some(&Step::Gate);
        match self.prospect(id, &states, moment) {
            Prospect::Over if is_gate => PodOutlook::GateOpens,
            // Nothing fails a pod that is not scheduled: its gate just stays.
            Prospect::Failing if is_gate => PodOutlook::Stuck(failed(&states)),
            Prospect::Stuck(missing) if is_gate || self.is_settled(id, &states, store) => {
                PodOutlook::Stuck(missing)
            }
            Prospect::Failing | Prospect::Over | Prospect::Stuck(_) | Prospect::Timed(_) => {
                PodOutlook::Going
            }
        }
    }

    /// Returns what is to be expected of the gate of a pod, `None` if it has none.
    pub(crate) fn gate(
        &self,
        id: PodId,
        moment: Moment,
        store: &impl StoreView,
    ) -> Option<Prospect> {
        let is_gate = self.pod(id).step() == Some(&Step::Gate);
        is_gate.then(|| self.prospect(id, &self.states(id, store), moment))
    }

    fn prospect(&self, id: PodId, states: &[State], moment: Moment) -> Prospect {
        let wait = self.pod(id).wait();
        wait.map_or(Prospect::Over, |wait| wait.prospect(states, moment))
    }

    /// A client has seen the present state once the store holds its wait. A client that misses
    /// nothing but probes has no question for the store.
    fn is_settled(&self, id: PodId, states: &[State], store: &impl StoreView) -> bool {
        let pod = self.pod(id);
        let server = states.iter().zip(&pod.declaration.conditions);
        let mut server = server.filter(|(_, condition)| condition.is_some());
        let has_failed = states.contains(&State::Failed);
        has_failed || server.all(|(state, _)| *state == State::Held) || store.holds(pod)
    }

    /// Returns the state of each term of a pod.
    pub(crate) fn states(&self, id: PodId, store: &impl StoreView) -> Vec<State> {
        let declaration = &self.pod(id).declaration;
        let conditions: Vec<_> = declaration.conditions.iter().flatten().cloned().collect();
        let mut judged = store.judge(&conditions).into_iter();
        let state = |(term, condition): (&Term, &Option<Condition>)| {
            if condition.is_some() {
                return judged.next().unwrap_or(State::Missing);
            }
            match term.probe() {
                Some(probe) if self.probe_holds(id, probe) => State::Held,
                _ => State::Missing,
            }
        };
        let terms = declaration.terms.iter().zip(&declaration.conditions);
        terms.map(state).collect()
    }
}

fn failed(states: &[State]) -> Vec<usize> {
    let states = states.iter().enumerate();
    let failed = states.filter(|(_, state)| **state == State::Failed);
    failed.map(|(position, _)| position).collect()
}
