//! Whether anything can still happen.

use std::time::Duration;

use oncue_core::gates::GateDecision;
use oncue_language::{Condition, Grace, State, Term};

use super::{Cluster, Moment, Pod, PodId, steps::Step};
use crate::{pending::Prospect, virtual_time::timestamp};

/// What the store knows at one moment.
pub trait StoreView {
    /// Returns the state of each condition for a wait for which these failures count.
    fn judge(&self, conditions: &[Condition], grace: Grace) -> Vec<State>;

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
    pub fn outlook(&mut self, moment: Moment, store: &impl StoreView) -> Outlook {
        let mut is_going = self.is_busy() || self.next_deadline().is_some();
        let mut open = Vec::new();
        let mut stuck = Vec::new();
        for pod in self.waiting().collect::<Vec<_>>() {
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
        self.busy > 0 || !self.retries.is_empty()
    }

    /// Returns the pods that wait, in the order of their creation.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = PodId> + use<'_> {
        self.waiting.iter().copied()
    }

    pub(crate) fn is_waiting(&self, id: PodId) -> bool {
        self.waiting.contains(&id)
    }

    /// Returns what is to be expected of one pod that waits.
    pub(crate) fn outlook_of(
        &mut self,
        id: PodId,
        moment: Moment,
        store: &impl StoreView,
    ) -> PodOutlook {
        if self.is_gated(id) {
            return self.outlook_of_gate(id, moment.now, store);
        }
        let states = self.states(id, store);
        let wait = self.pod(id).wait();
        match wait.map_or(Prospect::Over, |wait| wait.prospect(&states, moment)) {
            Prospect::Stuck(missing)
                if self.is_settled(id, &states, store)
                    && !self.may_fail_later(id, moment.now, store) =>
            {
                PodOutlook::Stuck(missing)
            }
            Prospect::Failing | Prospect::Over | Prospect::Stuck(_) | Prospect::Timed(_) => {
                PodOutlook::Going
            }
        }
    }

    /// Returns whether a failure that does not count yet for a pod will count later.
    fn may_fail_later(&self, id: PodId, now: Duration, store: &impl StoreView) -> bool {
        let pod = self.pod(id);
        let grace = pod.grace(now);
        if grace == Grace::Over {
            return false;
        }
        let conditions: Vec<_> = pod.conditions().cloned().collect();
        store.judge(&conditions, grace) != store.judge(&conditions, Grace::Over)
    }

    fn outlook_of_gate(&mut self, id: PodId, now: Duration, store: &impl StoreView) -> PodOutlook {
        match self.gate(id, now, store) {
            Some(GateDecision::Open) => PodOutlook::GateOpens,
            Some(
                GateDecision::Overdue { until: None, .. } | GateDecision::Wait { until: None },
            ) if !self.may_fail_later(id, now, store) => PodOutlook::Stuck(self.closing(id, store)),
            Some(_) | None => PodOutlook::Going,
        }
    }

    fn is_gated(&self, id: PodId) -> bool {
        self.pod(id).step() == Some(&Step::Gate)
    }

    /// Decides at `now` about the gate of a pod; returns `None` if it has none.
    pub(crate) fn gate(
        &mut self,
        id: PodId,
        now: Duration,
        store: &impl StoreView,
    ) -> Option<GateDecision> {
        self.now = self.now.max(now);
        if !self.is_gated(id) {
            return None;
        }
        let states = self.gate_states(id, store);
        self.decide_gate(id, &states)
    }

    /// Returns the positions of the terms that keep a gate closed.
    fn closing(&self, id: PodId, store: &impl StoreView) -> Vec<usize> {
        let states = self.gate_states(id, store);
        let gate = self.pod(id).gate.as_ref();
        gate.map_or(Vec::new(), |gate| {
            gate.wait.closing(&states, timestamp(self.now))
        })
    }

    fn gate_states(&self, id: PodId, store: &impl StoreView) -> Vec<State> {
        let gate = self.pod(id).gate.as_ref();
        gate.map_or(Vec::new(), |gate| {
            let conditions = gate.wait.conditions();
            store.judge(conditions, self.pod(id).grace(self.now))
        })
    }

    /// Returns whether a client has seen the present state: the store holds its wait, or nothing
    /// but probes is missing, so that no answer of the store changes anything.
    fn is_settled(&self, id: PodId, states: &[State], store: &impl StoreView) -> bool {
        let pod = self.pod(id);
        let server = states.iter().zip(&pod.declaration.conditions);
        let mut server = server.filter(|(_, condition)| condition.is_some());
        let has_failed = states.contains(&State::Failed);
        has_failed || server.all(|(state, _)| *state == State::Held) || store.holds(pod)
    }

    /// Returns the state of each term of a pod.
    pub(crate) fn states(&self, id: PodId, store: &impl StoreView) -> Vec<State> {
        let pod = self.pod(id);
        let declaration = &pod.declaration;
        let conditions: Vec<_> = pod.conditions().cloned().collect();
        let grace = pod.grace(self.now);
        let mut judged = store.judge(&conditions, grace).into_iter();
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
