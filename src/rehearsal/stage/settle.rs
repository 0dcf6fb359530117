//! Whether anything can still happen, as far as the played cluster and the store can tell.

use oncue_language::{Condition, Term};

use super::{Actor, PodId, Stage, script::Step};
use crate::rehearsal::quiescence::{Moment, Standing, TermState};

/// What the store knows, at one moment.
pub(crate) trait Observer {
    /// Returns how conditions stand.
    fn judge(&self, conditions: &[Condition]) -> Vec<TermState>;

    /// Returns whether the store holds a wait of this pod.
    fn holds(&self, pod: &Actor) -> bool;
}

/// What is to be expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outlook {
    /// The gates of these pods open now.
    GatesOpen(Vec<PodId>),
    /// Something is under way.
    Going,
    /// Nothing will happen any more; these pods are stuck.
    Over(Vec<Stuck>),
}

/// A pod that waits for what will never come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stuck {
    /// Which.
    pub(crate) pod: PodId,
    /// The positions of the terms that are missing.
    pub(crate) missing: Vec<usize>,
}

impl Stage {
    /// Returns what is to be expected of the world as `observer` sees it.
    pub(crate) fn outlook(&self, moment: Moment, observer: &impl Observer) -> Outlook {
        let mut is_going = self.actors.iter().any(Actor::is_busy);
        let mut open = Vec::new();
        let mut stuck = Vec::new();
        for (pod, actor) in self.pods() {
            let Some(wait) = actor.wait() else {
                continue;
            };
            let states = self.states(pod, observer);
            let is_gate = actor.step() == Some(&Step::Gate);
            match wait.standing(&states, moment) {
                Standing::Over if is_gate => open.push(pod),
                // Nobody fails a pod that is not scheduled: its gate just stays.
                Standing::Failing if is_gate => stuck.push(Stuck {
                    pod,
                    missing: positions(&states, TermState::Failed),
                }),
                Standing::Stuck(missing) if is_gate || self.is_settled(pod, &states, observer) => {
                    stuck.push(Stuck { pod, missing });
                }
                Standing::Failing | Standing::Over | Standing::Stuck(_) | Standing::Timed => {
                    is_going = true;
                }
            }
        }
        match (open.is_empty(), is_going) {
            (false, _) => Outlook::GatesOpen(open),
            (true, true) => Outlook::Going,
            (true, false) => Outlook::Over(stuck),
        }
    }

    /// A client has seen the present state once the store holds its wait. One that misses probes
    /// alone has nothing to ask the store.
    fn is_settled(&self, pod: PodId, states: &[TermState], observer: &impl Observer) -> bool {
        let actor = self.pod(pod);
        let server = states.iter().zip(&actor.asks.conditions);
        let mut server = server.filter(|(_, condition)| condition.is_some());
        let has_failed = states.contains(&TermState::Failed);
        has_failed || server.all(|(state, _)| *state == TermState::Held) || observer.holds(actor)
    }

    /// Returns how each term of a pod stands.
    pub(super) fn states(&self, pod: PodId, observer: &impl Observer) -> Vec<TermState> {
        let asks = &self.pod(pod).asks;
        let conditions: Vec<_> = asks.conditions.iter().flatten().cloned().collect();
        let mut judged = observer.judge(&conditions).into_iter();
        let state = |(term, condition): (&Term, &Option<Condition>)| {
            let probe = match condition {
                Some(_) => return judged.next().unwrap_or(TermState::Missing),
                None => term.probe(),
            };
            match probe {
                Some(probe) if self.probe_holds(pod, probe) => TermState::Held,
                _ => TermState::Missing,
            }
        };
        asks.terms.iter().zip(&asks.conditions).map(state).collect()
    }
}

fn positions(states: &[TermState], wanted: TermState) -> Vec<usize> {
    let positions = states
        .iter()
        .enumerate()
        .filter(|(_, state)| **state == wanted);
    positions.map(|(position, _)| position).collect()
}
