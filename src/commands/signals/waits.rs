//! Who waits for what, as pods and Signals say: by the judgement of the controller.

use std::collections::{BTreeMap, BTreeSet};

use oncue_wire::{Waiter, WaiterList};

use super::SignalBackend;
use crate::{
    api::documents,
    cluster::{ApiError, Part, Place, Question, Resource, Unlisted},
    commands::{
        backend::WaitingPod,
        cluster::{objects_of, world},
        permissions::Permissions,
        vars::now,
    },
    injection::Settings,
    language::{Condition, Grace, Namespace, Reason, Subject, Verdict, evaluate},
    reporting::{JudgedWait, ReportedPod, Reporter, Unjudged},
    world::{ReadBy, World},
};

/// Returns the pods that wait in a place; the longest waiting comes first.
pub(super) fn waiters(
    backend: &SignalBackend,
    place: &Place,
    settings: &Settings,
) -> anyhow::Result<WaiterList> {
    let now = now();
    let mut reporter = Reporter::default();
    for pod in pods(backend, place, settings)? {
        reporter.observe(&pod, now);
    }
    let waits = reporter.unjudged(None, usize::MAX);
    let asked = waits.iter().flat_map(|wait| {
        let conditions = wait.conditions.iter();
        conditions.map(|condition| (&wait.pod.namespace, condition))
    });
    let knowledge = Knowledge::about(backend, place, asked)?;
    for Unjudged {
        wait,
        pod,
        conditions,
        created,
    } in &waits
    {
        let waiting = WaitingPod {
            id: pod,
            grace: Grace::of_pod(*created, now),
        };
        let verdicts = knowledge.verdicts(&waiting, conditions);
        reporter.judged(*wait, &verdicts, now);
    }
    let mut waiters: Vec<_> = reporter.judged_waits().map(waiter).collect();
    waiters.sort_by(|one, other| (one.since, &one.pod).cmp(&(other.since, &other.pod)));
    Ok(WaiterList {
        revision: String::new(),
        waiters,
        r#continue: None,
    })
}

/// Reads the injected pods in a place that have not ended.
fn pods(
    backend: &SignalBackend,
    place: &Place,
    settings: &Settings,
) -> Result<Vec<ReportedPod>, Unlisted> {
    let label = format!("{}=true", settings.managed_label());
    let live = Question {
        labels: &label,
        fields: "status.phase!=Succeeded,status.phase!=Failed",
        part: Part::Whole,
    };
    backend.cluster.find(Resource::POD, (place, live), |pod| {
        ReportedPod::read(pod, &settings.keys).ok()
    })
}

fn waiter(wait: JudgedWait<'_>) -> Waiter {
    let terms = wait.conditions.iter().zip(wait.verdicts);
    Waiter {
        pod: Some(wait.pod.name.to_string()),
        namespace: wait.pod.namespace.clone(),
        since: wait.since,
        terms: terms
            .map(|(condition, verdict)| documents::term(condition, verdict))
            .collect(),
    }
}

/// What a user may know of the variables and objects that conditions are about.
pub(super) struct Knowledge {
    world: World,
    /// The namespaces whose Signals the user may not read, with the reason.
    hidden: BTreeMap<Namespace, String>,
    /// What other namespaces permit, if a term is about one.
    permissions: Option<Permissions>,
}

impl Knowledge {
    /// Reads what conditions are about, each with the namespace of the pod that waits. Namespaces other
    /// than `place` may be closed to the user.
    pub(super) fn about<'c>(
        backend: &SignalBackend,
        place: &Place,
        asked: impl Iterator<Item = (&'c Namespace, &'c Condition)> + Clone,
    ) -> anyhow::Result<Self> {
        let conditions = asked.clone().map(|(_, condition)| condition);
        let mut hidden = BTreeMap::new();
        let mut variables = Vec::new();
        for part in parts(place, conditions.clone()) {
            match (backend.read(&part, None), part) {
                (Ok(read), _) => variables.extend(read),
                (
                    Err(Unlisted::Failed {
                        source: ApiError::Forbidden(status),
                        ..
                    }),
                    Place::Namespace(namespace),
                ) if *place != Place::Namespace(namespace.clone()) => {
                    let reason = format!("cannot be judged: {}", status.message);
                    hidden.insert(namespace, reason);
                }
                (Err(error), _) => return backend.told(Err(error)),
            }
        }
        let objects = backend.cluster.object_states(objects_of(conditions));
        Ok(Self {
            world: world(variables, objects),
            hidden,
            permissions: Permissions::read(&backend.cluster, asked),
        })
    }

    /// Judges conditions for one pod.
    pub(super) fn verdicts(&self, pod: &WaitingPod<'_>, conditions: &[Condition]) -> Vec<Verdict> {
        let view = ReadBy::new(&self.world, None, pod.grace);
        let verdict = |condition: &Condition| {
            let permissions = self.permissions.as_ref();
            let refusal = permissions.and_then(|it| it.refusal(&pod.id.namespace, condition));
            if let Some(refusal) = refusal {
                return Verdict::Missing(refusal);
            }
            let namespace = namespace_of(condition);
            match namespace.and_then(|namespace| self.hidden.get(namespace)) {
                Some(reason) => Verdict::Missing(Reason::Object(reason.clone())),
                None => evaluate::judge(condition, &view),
            }
        };
        conditions.iter().map(verdict).collect()
    }
}

/// Returns the places whose Signals conditions are about.
fn parts<'c>(place: &Place, conditions: impl IntoIterator<Item = &'c Condition>) -> Vec<Place> {
    let namespaces: BTreeSet<_> = conditions.into_iter().filter_map(namespace_of).collect();
    match place {
        Place::Everywhere if !namespaces.is_empty() => vec![Place::Everywhere],
        _ => namespaces
            .into_iter()
            .cloned()
            .map(Place::Namespace)
            .collect(),
    }
}

/// Returns the namespace of the variables that a condition is about.
fn namespace_of(condition: &Condition) -> Option<&Namespace> {
    match &condition.subject {
        Subject::Below { prefix: key, .. } | Subject::Variable { key, .. } => Some(&key.namespace),
        Subject::Object(_) => None,
    }
}
