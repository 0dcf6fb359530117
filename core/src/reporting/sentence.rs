//! The sentence about a term that does not hold: what is missing, and who would provide it.

use std::collections::{BTreeMap, HashMap};

use oncue_language::{Reason, Term, Verdict, annotation::Key};

use super::ReportedWait;
use crate::{
    model::{Member, MemberId, Model, Producer, Via, Want},
    workload::WorkloadKind,
};

/// Everything that a sentence reads.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) model: &'a Model,
    /// What keeps the pods of members from being Ready.
    pub(super) obstacles: &'a HashMap<MemberId, Box<str>>,
    pub(super) waits: &'a BTreeMap<MemberId, ReportedWait>,
}

/// What is said of providers, once for all terms that ask for the same.
pub(super) type Providers = HashMap<Want, Option<String>>;

/// What is known of a term.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    /// The verdict of the store.
    Judged(&'a Verdict),
    /// Nothing: the pod probes it, or it names the pod's node, which is not known yet.
    Nothing,
}

impl Scene<'_> {
    /// Returns the sentence about a term of a member.
    pub(super) fn sentence(
        &self,
        (member, term): (&Member, &Term),
        known: Known<'_>,
        providers: &mut Providers,
    ) -> String {
        let Term {
            presence, target, ..
        } = term;
        let rest = match known {
            Known::Nothing if term.probe().is_some() => PROBED.to_owned(),
            Known::Nothing => "judged once the pod has a node".to_owned(),
            Known::Judged(Verdict::Held) => "holds".to_owned(),
            Known::Judged(
                Verdict::Failed(reason) | Verdict::Missing(reason @ Reason::Forbidden(_)),
            ) => reason.to_string(),
            Known::Judged(Verdict::Missing(reason)) => {
                let want = Want::of(member, term);
                let provider = providers
                    .entry(want)
                    .or_insert_with_key(|want| self.providers(want));
                with_provider(reason, provider.as_deref())
            }
        };
        format!("{presence}{target}: {rest}")
    }

    /// Says which live pods would provide something, and what keeps them from it.
    fn providers(&self, want: &Want) -> Option<String> {
        let producers = self.model.producers_of(want);
        match want {
            Want::Below { .. } | Want::Variable { .. } => self.signallers(&producers),
            Want::Host { .. } => None,
            // The reason says all of an object but that.
            Want::Object(_) => {
                let mut waiting = producers.iter().filter(|it| self.waits(it.member));
                let name = self.name(waiting.next()?);
                Some(format!("and {name} waits itself"))
            }
        }
    }

    fn signallers(&self, producers: &[Producer]) -> Option<String> {
        let mut named: Vec<Signaller> = Vec::new();
        let mut more = 0;
        for producer in producers {
            let name = self.name(producer);
            match named.iter().position(|it| it.name == name) {
                Some(at) if named[at].is_hindered => {}
                Some(at) => named[at] = self.signaller(name, producer),
                None if named.len() < MAX_NAMED => named.push(self.signaller(name, producer)),
                None => more += 1,
            }
        }
        let texts: Vec<_> = named.iter().map(Signaller::to_string).collect();
        let more = (more > 0).then(|| format!(", or by {more} more pods"));
        let more = more.unwrap_or_default();
        (!texts.is_empty()).then(|| format!("signalled by {}{more}", texts.join(", or by ")))
    }

    fn signaller(&self, name: String, producer: &Producer) -> Signaller {
        let id = producer.member;
        let obstacle = self.obstacles.get(&id);
        let (when, unhindered) = match producer.via {
            Via::Signal(Key::SignalsOnFailure) => (" when it fails", "runs"),
            Via::Signal(Key::SignalsOnSuccess) => (" when it succeeds", "runs"),
            Via::Existing | Via::Object | Via::Probe | Via::Signal(_) => ("", "is Ready"),
        };
        let state = match obstacle {
            _ if self.waits(id) => "waits itself",
            Some(obstacle) => obstacle,
            None => unhindered,
        };
        Signaller {
            name,
            when,
            state: state.into(),
            is_hindered: obstacle.is_some(),
        }
    }

    fn waits(&self, id: MemberId) -> bool {
        self.waits.get(&id).is_some_and(ReportedWait::is_held_up)
    }

    fn name(&self, producer: &Producer) -> String {
        called(self.model.member(producer.member))
    }
}

/// Pods of one name that signal a variable, and how one of them fares.
struct Signaller {
    name: String,
    when: &'static str,
    state: Box<str>,
    is_hindered: bool,
}

impl std::fmt::Display for Signaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name, when, state, ..
        } = self;
        write!(f, "{name}{when}, whose pod {state}")
    }
}

/// Returns what people call a live pod: its workload, unless the pod has a name of its own there.
pub(super) fn called(member: &Member) -> String {
    match member.controllers.last() {
        Some((kind, name)) if *kind != WorkloadKind::StatefulSet => format!("{kind}/{name}"),
        _ => member.to_string(),
    }
}

fn with_provider(reason: &Reason, provider: Option<&str>) -> String {
    match (reason, provider) {
        (Reason::DoesNotExist, Some(provider)) => provider.to_owned(),
        (Reason::DoesNotExist, None) => format!("{reason}, and no pod signals it"),
        (_, Some(provider)) => format!("{reason}, {provider}"),
        (_, None) => reason.to_string(),
    }
}

const PROBED: &str = "probed from the pod, so that its state is not known here";
/// How many workloads a sentence names.
const MAX_NAMED: usize = 3;
