//! The result of a simulation: which pods are stuck, in a ring or because of which others.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use oncue_language::{Presence, Subject};
use serde::Serialize;

use crate::{
    cluster::{Cause, Cluster, Missing, Phase, Pod, PodId, Stuck},
    controller::Controller,
    entry::Unknown,
    producers::{Producer, Producers},
};

/// The result of a simulation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// In one word.
    pub result: Outcome,
    /// Pods of which each waits for the next and the last for the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ring: Vec<Blocked>,
    /// Every other pod that waits for something that will never happen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<Blocked>,
    /// Pods that failed or were denied without `--fail` or the annotation saying so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// The pods that a controller has not created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_created: Vec<String>,
    /// What the installer waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_up: Option<String>,
}

/// The result of a simulation in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Pods wait for each other.
    Deadlock,
    /// A pod failed that was not told to.
    Failed,
    /// Every pod has reached its end.
    Passed,
    /// Pods wait for something that will never happen.
    Stuck,
}

/// A pod that cannot start, with one thing it waits for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Blocked {
    /// The pod's name.
    pub pod: String,
    /// The term.
    pub term: String,
    /// Why it does not hold, as oncue's controller judges the objects that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which pod would bring it, or what to do.
    pub because: String,
}

/// One way from a pod that is stuck to another.
struct Edge {
    term: usize,
    to: PodId,
}

impl Verdict {
    /// Judges a cluster that has come to rest with these pods stuck.
    pub(crate) fn new(
        cluster: &Cluster,
        (producers, missing): (&Producers, &Missing),
        stuck: &[Stuck],
    ) -> Self {
        let judge = Judge::new(cluster, (producers, missing), stuck);
        let ring = judge.ring();
        let in_ring: HashSet<_> = ring.iter().map(|(id, _)| *id).collect();
        let others = stuck.iter().filter(|stuck| !in_ring.contains(&stuck.pod));
        let mut verdict = Self {
            result: Outcome::Passed,
            stuck: others.flat_map(|pod| judge.blocked(pod)).collect(),
            ring: judge.steps(&ring),
            failed: judge.failed(),
            not_created: judge.not_created(),
            held_up: cluster.held_up(),
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
            held_up,
        } = self;
        if !ring.is_empty() {
            Outcome::Deadlock
        } else if !failed.is_empty() {
            Outcome::Failed
        } else if !stuck.is_empty() || !not_created.is_empty() || held_up.is_some() {
            Outcome::Stuck
        } else {
            Outcome::Passed
        }
    }
}

/// A cluster that has come to rest.
struct Judge<'a> {
    cluster: &'a Cluster,
    producers: &'a Producers,
    unknown: &'a Missing,
    stuck: Vec<&'a Stuck>,
    /// What each stuck pod misses.
    missing: HashMap<PodId, &'a [usize]>,
}

impl<'a> Judge<'a> {
    fn new(
        cluster: &'a Cluster,
        (producers, unknown): (&'a Producers, &'a Missing),
        stuck: &'a [Stuck],
    ) -> Self {
        let missing = stuck.iter().map(|stuck| (stuck.pod, &*stuck.missing));
        Self {
            cluster,
            producers,
            unknown,
            stuck: stuck.iter().collect(),
            missing: missing.collect(),
        }
    }

    /// Returns the first ring there is: each pod with the edge to the next.
    fn ring(&self) -> Vec<(PodId, Edge)> {
        let mut seen = HashSet::new();
        for start in &self.stuck {
            let mut path: Vec<(PodId, Edge)> = Vec::new();
            let mut at = start.pod;
            while let Some(edge) = self.edge(at) {
                if !seen.insert(at) {
                    match path.iter().position(|(pod, _)| *pod == at) {
                        Some(first) => return path.split_off(first),
                        None => break,
                    }
                }
                let to = edge.to;
                path.push((at, edge));
                at = to;
            }
        }
        Vec::new()
    }

    /// Returns the edge from a pod to the first one that is stuck too and would bring what it misses.
    fn edge(&self, pod: PodId) -> Option<Edge> {
        let missing = self.missing.get(&pod)?;
        missing.iter().copied().find_map(|term| {
            let asked = &self.cluster.pod(pod).declaration.terms[term];
            let producers = self.producers.of_term(pod, asked).into_iter();
            let mut stuck = producers.filter_map(|producer| self.stuck_behind(producer));
            stuck.next().map(|to| Edge { term, to })
        })
    }

    /// Returns the stuck pod that keeps a producer from producing: itself, or the one before it.
    fn stuck_behind(&self, producer: Producer) -> Option<PodId> {
        let is_stuck = |pod: &PodId| self.missing.contains_key(pod);
        match producer {
            Producer::Existing(_) => None,
            Producer::Pod(pod) => Some(pod).filter(is_stuck),
            Producer::Future(future) => {
                let mut pods = self.cluster.pods_of(future.controller).iter().copied();
                pods.find(is_stuck)
            }
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
        Blocked {
            pod: self.cluster.pod(pod).name.clone(),
            term: self.cluster.pod(pod).declaration.terms[term].to_string(),
            reason: self.reason(pod, term),
            because: self.because(pod, term),
        }
    }

    /// Returns why the objects or the Service of a term do not hold, if they are played.
    fn reason(&self, pod: PodId, term: usize) -> Option<String> {
        if let Some(probe) = self.cluster.pod(pod).declaration.terms[term].probe() {
            return self.cluster.probe_reason(pod, probe);
        }
        let condition = self.cluster.pod(pod).declaration.conditions[term].as_ref()?;
        let Subject::Object(key) = &condition.subject else {
            return None;
        };
        let reason = self.cluster.object_reason(key);
        reason.filter(|_| self.unknown.find(key).is_none())
    }

    fn because(&self, pod: PodId, term: usize) -> String {
        let declaration = &self.cluster.pod(pod).declaration;
        if declaration.terms[term].presence == Presence::Failure {
            return "which has happened".to_owned();
        }
        match *self.producers.of_term(pod, &declaration.terms[term]) {
            [] => self.unproduced(pod, term),
            [producer] => self.state_of(producer),
            [first, ref rest @ ..] => {
                format!("{}, and {} more", self.state_of(first), rest.len())
            }
        }
    }

    /// Says that no pod of the files brings what a term asks for, and what to do.
    fn unproduced(&self, pod: PodId, term: usize) -> String {
        let declaration = &self.cluster.pod(pod).declaration;
        let subject = declaration.conditions[term]
            .as_ref()
            .map(|condition| &condition.subject);
        match (declaration.terms[term].probe(), subject) {
            (Some(probe), _) if self.cluster.probe_reason(pod, probe).is_some() => {
                "which no pod of these files brings".to_owned()
            }
            (Some(probe), _) => format!(
                "which no Service of these files is: --assume {} if it is elsewhere",
                word(&probe.host)
            ),
            (None, Some(Subject::Object(key))) => match self.unknown.find(key) {
                Some(Unknown::Absent(what)) => {
                    format!(
                        "which is not in these files: --assume {} if it is elsewhere",
                        word(what)
                    )
                }
                Some(Unknown::NotPlayed(what)) => {
                    format!(
                        "which is not played: --assume {} if it holds in a cluster",
                        word(what)
                    )
                }
                None => "which no pod of these files brings".to_owned(),
            },
            (None, Some(variables @ (Subject::Below { .. } | Subject::Variable { .. }))) => {
                format!(
                    "which nobody signals: --assume {} if it exists",
                    word(&variables.to_string())
                )
            }
            (None, None) => "which nobody signals".to_owned(),
        }
    }

    fn state_of(&self, producer: Producer) -> String {
        let name = self.producers.name(producer);
        if let Producer::Future(pod) = producer
            && let Some(later) = self.cluster.applied_later(pod.controller)
        {
            return format!("from {name}, {later}");
        }
        let how = match producer {
            Producer::Existing(_) => "which is not enough",
            Producer::Future(_) => "which is not created yet",
            Producer::Pod(pod) => match self.cluster.pod(pod).phase {
                Phase::CrashLooping => "which fails again and again",
                Phase::Deleted => "which was deleted",
                Phase::Denied => "which admission denied",
                Phase::Failed(_) => "which has failed",
                Phase::Held => "which is held",
                Phase::Succeeded => "which has ended",
                Phase::Admission | Phase::Running if self.missing.contains_key(&pod) => {
                    "which waits itself"
                }
                Phase::Admission | Phase::Running => "which runs and has not brought it",
            },
        };
        format!("from {name}, {how}")
    }

    fn failed(&self) -> Vec<String> {
        let pods = self.cluster.pods().filter(|(id, pod)| match pod.phase {
            Phase::Denied => true,
            // A Job that completes makes up for it.
            Phase::Failed(Cause::Wait) => !self.cluster.is_in_complete_job(*id),
            _ => false,
        });
        let why = |(_, pod): (PodId, &Pod)| {
            let how = if pod.phase == Phase::Denied {
                "was denied"
            } else {
                "failed to wait"
            };
            let why = pod.failure.as_deref().unwrap_or("unknown");
            format!("{} {how}: {why}", pod.name)
        };
        let overdue = self.cluster.overdue_jobs();
        let overdue = overdue.map(|job| format!("job/{} failed: {OVERDUE}", job.name));
        let by_policy = self.cluster.jobs_failed_by_policy();
        let by_policy = by_policy.map(|job| format!("job/{} failed: {BY_POLICY}", job.name));
        let overdue = overdue.chain(by_policy);
        let given_up = self.cluster.given_up();
        pods.map(why).chain(overdue).chain(given_up).collect()
    }

    fn not_created(&self) -> Vec<String> {
        let text = |(controller, missing): (&Controller, usize)| {
            format!("{missing} pods of {}", controller.title())
        };
        self.cluster.unfinished().map(text).collect()
    }
}

/// Returns a text as a shell takes it for one word.
fn word(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Cow::into_owned)
}

const BY_POLICY: &str = "its podFailurePolicy says so";
const OVERDUE: &str = "it had not ended by its activeDeadlineSeconds";

#[cfg(test)]
mod tests;
