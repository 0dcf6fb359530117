//! What became of a rehearsal: who is stuck, in a ring or because of whom.

use oncue_language::{Presence, Subject};
use serde::Serialize;

use super::{
    cast::Controller,
    directions::Assumption,
    stage::{Actor, Asks, Cause, Phase, PodId, Producer, Stage, Stuck},
};

/// What became of a rehearsal.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    /// In short.
    pub(crate) result: Outcome,
    /// Pods of which each waits for the next and the last for the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ring: Vec<Blocked>,
    /// Every other pod that waits for what will not come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stuck: Vec<Blocked>,
    /// Pods that failed or were denied though nobody told them to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed: Vec<String>,
    /// What a controller has not created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_created: Vec<String>,
}

/// What became of a rehearsal, in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// Pods wait for each other.
    Deadlock,
    /// Something failed that should not have.
    Failed,
    /// Every pod has reached its end.
    Passed,
    /// Pods wait for what will not come.
    Stuck,
}

/// A pod that cannot start, with one thing it waits for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Blocked {
    /// Who.
    pub(crate) pod: String,
    /// For what.
    pub(crate) term: String,
    /// Why that does not come.
    pub(crate) because: String,
}

/// One way from a pod that is stuck to another.
struct Edge {
    term: usize,
    to: PodId,
}

impl Verdict {
    /// Judges a rehearsal that has come to rest with these pods stuck.
    pub(crate) fn new(stage: &Stage, stuck: &[Stuck]) -> Self {
        let judge = Judge { stage, stuck };
        let ring = judge.ring();
        let in_ring = |pod: &Stuck| ring.iter().any(|(id, _)| *id == pod.pod);
        let others = stuck.iter().filter(|pod| !in_ring(pod));
        let mut verdict = Self {
            result: Outcome::Passed,
            stuck: others.flat_map(|pod| judge.blocked(pod)).collect(),
            ring: judge.steps(&ring),
            failed: judge.failed(),
            not_created: judge.not_created(),
        };
        verdict.result = verdict.outcome();
        verdict
    }

    fn outcome(&self) -> Outcome {
        let Self {
            result: _,
            ring,
            stuck,
            failed,
            not_created,
        } = self;
        if !ring.is_empty() {
            Outcome::Deadlock
        } else if !failed.is_empty() {
            Outcome::Failed
        } else if !stuck.is_empty() || !not_created.is_empty() {
            Outcome::Stuck
        } else {
            Outcome::Passed
        }
    }
}

/// A stage that has come to rest.
struct Judge<'a> {
    stage: &'a Stage,
    stuck: &'a [Stuck],
}

impl Judge<'_> {
    /// Returns the first ring there is: each pod with the way to the next.
    fn ring(&self) -> Vec<(PodId, Edge)> {
        let mut seen = Vec::new();
        for start in self.stuck {
            let mut path: Vec<(PodId, Edge)> = Vec::new();
            let mut at = start.pod;
            while let Some(edge) = self.edges(at).next() {
                if let Some(first) = path.iter().position(|(pod, _)| *pod == at) {
                    return path.split_off(first);
                }
                if seen.contains(&at) {
                    break;
                }
                seen.push(at);
                let to = edge.to;
                path.push((at, edge));
                at = to;
            }
        }
        Vec::new()
    }

    /// Returns the ways from a pod to others that are stuck too and would bring what it misses.
    fn edges(&self, pod: PodId) -> impl Iterator<Item = Edge> {
        let missing = self.stuck.iter().filter(move |stuck| stuck.pod == pod);
        let terms = missing.flat_map(|stuck| stuck.missing.iter().copied());
        terms.flat_map(move |term| {
            let producers = self.stage.producers(pod, term).into_iter();
            let stuck = producers.filter_map(|producer| self.stuck_behind(&producer));
            stuck.map(move |to| Edge { term, to })
        })
    }

    /// Returns the stuck pod that keeps a producer from producing: itself, or the one before it.
    fn stuck_behind(&self, producer: &Producer) -> Option<PodId> {
        let is_stuck = |pod: PodId| self.stuck.iter().any(|stuck| stuck.pod == pod);
        match producer {
            Producer::Pod(pod) => is_stuck(*pod).then_some(*pod),
            Producer::Unborn { controller, .. } => self
                .stage
                .pods_created_by(*controller)
                .find(|pod| is_stuck(*pod)),
        }
    }

    fn steps(&self, ring: &[(PodId, Edge)]) -> Vec<Blocked> {
        let step = |(pod, edge): &(PodId, Edge)| self.one(*pod, edge.term);
        ring.iter().map(step).collect()
    }

    fn blocked(&self, stuck: &Stuck) -> Vec<Blocked> {
        stuck
            .missing
            .iter()
            .map(|term| self.one(stuck.pod, *term))
            .collect()
    }

    fn one(&self, pod: PodId, term: usize) -> Blocked {
        let actor = self.stage.pod(pod);
        Blocked {
            pod: actor.name.clone(),
            term: actor.asks.terms[term].to_string(),
            because: self.because(pod, term),
        }
    }

    fn because(&self, pod: PodId, term: usize) -> String {
        let asks = &self.stage.pod(pod).asks;
        if asks.terms[term].presence == Presence::Failure {
            return "which has happened".to_owned();
        }
        let producers = self.stage.producers(pod, term);
        match producers.as_slice() {
            [] => unproduced(asks, term),
            [producer] => self.standing(producer),
            [first, rest @ ..] => format!("{}, and {} more", self.standing(first), rest.len()),
        }
    }

    fn standing(&self, producer: &Producer) -> String {
        let pod = match producer {
            Producer::Pod(pod) => *pod,
            Producer::Unborn { name, .. } => {
                return format!("from {name}, which is not created yet");
            }
        };
        let actor = self.stage.pod(pod);
        let how = match actor.phase {
            Phase::CrashLooping => "which fails again and again",
            Phase::Denied => "which admission denied",
            Phase::Failed(_) => "which has failed",
            Phase::Held => "which is held",
            Phase::Succeeded => "which has ended",
            Phase::Admission | Phase::Playing if self.stuck.iter().any(|s| s.pod == pod) => {
                "which waits itself"
            }
            Phase::Admission | Phase::Playing => "which runs and has not brought it",
        };
        format!("from {}, {how}", actor.name)
    }

    fn failed(&self) -> Vec<String> {
        let pods = self.stage.pods().filter(|(id, actor)| match actor.phase {
            Phase::Denied => true,
            // A Job that succeeds in the end makes up for it.
            Phase::Failed(Cause::Wait) => !self.stage.is_made_up_for(*id),
            _ => false,
        });
        let why = |(_, actor): (PodId, &Actor)| {
            let how = if actor.phase == Phase::Denied {
                "was denied"
            } else {
                "failed to wait"
            };
            format!(
                "{} {how}: {}",
                actor.name,
                actor.failure.as_deref().unwrap_or("unknown")
            )
        };
        pods.map(why).collect()
    }

    fn not_created(&self) -> Vec<String> {
        let behind = |(controller, missing): (&Controller, usize)| {
            let kind = controller.kind.as_str().to_ascii_lowercase();
            format!("{missing} pods of {kind}/{}", controller.name)
        };
        self.stage.unfinished().map(behind).collect()
    }
}

/// Says that nobody on the stage brings what a term asks for, and what to do.
fn unproduced(asks: &Asks, term: usize) -> String {
    let subject = asks.conditions[term]
        .as_ref()
        .map(|condition| &condition.subject);
    match (asks.terms[term].probe(), subject) {
        (Some(probe), _) => format!(
            "which no Service of these files is: --assume {} if it is elsewhere",
            probe.host
        ),
        (None, Some(Subject::Object(key))) => format!(
            "which is not in these files: --assume {} if it is elsewhere",
            Assumption::of(key)
        ),
        (None, _) => "which nobody signals".to_owned(),
    }
}

#[cfg(test)]
mod tests;
