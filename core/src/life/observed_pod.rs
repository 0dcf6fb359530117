//! What the life of a signal depends on in a pod.

use oncue_language::{Keys, Namespace, Owner, Timestamp, annotation::Key};
use serde_json::Value;
use thiserror::Error;

use super::{ContainerState, Outcome, PodSignals, RunEnd, SignalProblem, container_state::moment};
use crate::{
    injection::{CONTAINER, Record},
    recorded_pod::RecordedPod,
    workload::{self, text},
};

/// What the life of a signal depends on in a pod, as it was seen at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObservedPod {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// Its node, once it has one.
    pub node: Option<Box<str>>,
    /// When it was created.
    pub created: Timestamp,
    /// If it is being deleted.
    pub deletion: Option<Deletion>,
    /// Whether it can still run.
    pub phase: PodPhase,
    /// When its last container ended, in a terminal phase.
    pub ended: Timestamp,
    /// Whether its condition `Ready` is True.
    pub is_ready: bool,
    /// Whether its condition `AllContainersRestarting` is True.
    pub is_restarting: bool,
    /// The container that the marker reports.
    pub signaller: ContainerState,
    /// The container `oncue-wait`.
    pub wait: ContainerState,
    /// Whether a scheduling gate waits in place of `oncue-wait`.
    pub is_gated: bool,
    /// The uid of the Job that controls it.
    pub job: Option<Box<str>>,
    /// What it signals, as injection recorded it.
    pub signals: Result<PodSignals, Box<PodProblem>>,
}

/// That a pod is being deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deletion {
    /// When someone asked for it.
    pub requested: Timestamp,
    /// When its time to end is over: its deletion timestamp.
    pub deadline: Timestamp,
}

/// Whether a pod can still run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PodPhase {
    /// It runs, or is still to run.
    #[default]
    Active,
    /// It has failed for good; an evicted pod too.
    Failed,
    /// All its containers have succeeded for good.
    Succeeded,
}

/// Why it is not known what a pod signals.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PodProblem {
    /// Nothing was injected, whatever its labels say.
    #[error("it has no annotation {key}: it was not injected")]
    NotInjected {
        /// The key of the record.
        key: String,
    },
    /// The record is damaged.
    #[error("its annotation {key} cannot be read: {reason}")]
    Record {
        /// The key of the record.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The record names what is not a signal.
    #[error("its annotation {key} cannot be read")]
    Signal {
        /// The key of the record.
        key: String,
        /// What is wrong with it.
        #[source]
        source: SignalProblem,
    },
}

/// An object that does not say which pod or Job it is.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the object has no usable metadata.{field}")]
pub struct Unidentified {
    field: &'static str,
}

impl ObservedPod {
    /// Reads a pod's JSON.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say which pod it is.
    pub fn read(pod: &Value, keys: &Keys) -> Result<Self, Unidentified> {
        Ok(Self::of(&RecordedPod::read(pod, keys)?))
    }

    pub(crate) fn of(pod: &RecordedPod<'_>) -> Self {
        let (json, record) = (pod.json, pod.record.as_ref().ok());
        let restart = condition(json, "AllContainersRestarting");
        let restarted = restart.and_then(|it| moment(it, "/lastTransitionTime"));
        let container = |name: &str| container_state(json, name, restarted);
        let signaller = signaller(json, record);
        Self {
            id: pod.id.clone(),
            node: text(json, "/spec/nodeName").map(Into::into),
            created: pod.created,
            deletion: Deletion::read(json),
            phase: pod.phase,
            ended: last_end(json).unwrap_or(pod.created),
            is_ready: is_true(condition(json, "Ready")),
            is_restarting: is_true(restart),
            signaller: signaller.map_or(ContainerState::NotStarted, container),
            wait: container(CONTAINER),
            is_gated: record.is_some_and(Record::is_gated),
            job: job(json),
            signals: signals(pod),
        }
    }

    /// Returns how its run ended, if it has ended and is not that of a Job.
    ///
    /// A pod that fails because it is deleted has not failed.
    pub fn run_end(&self) -> Option<RunEnd> {
        let is_told = self.deletion.is_some_and(|it| it.requested <= self.ended);
        let outcome = match self.phase {
            PodPhase::Active => return None,
            PodPhase::Failed if is_told => return None,
            PodPhase::Failed => Outcome::Failure,
            PodPhase::Succeeded => Outcome::Success,
        };
        let at = self.ended;
        self.job.is_none().then_some(RunEnd { outcome, at })
    }

    /// Returns whether everything that ends with the pod has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.phase != PodPhase::Active || self.deletion.is_some_and(|it| it.deadline <= now)
    }
}

impl PodProblem {
    /// Returns whether nothing was injected, whatever the labels of the pod say.
    pub(crate) fn is_not_injected(&self) -> bool {
        matches!(self, Self::NotInjected { .. })
    }
}

impl Deletion {
    fn read(pod: &Value) -> Option<Self> {
        let deadline = moment(pod, "/metadata/deletionTimestamp")?;
        let grace = pod.pointer("/metadata/deletionGracePeriodSeconds");
        let grace = grace.and_then(Value::as_u64).unwrap_or_default();
        let requested = deadline
            .as_millis()
            .saturating_sub(grace.saturating_mul(1_000));
        Some(Self {
            requested: Timestamp::from_millis(requested),
            deadline,
        })
    }
}

impl PodPhase {
    pub(crate) fn read(pod: &Value) -> Self {
        match text(pod, "/status/phase") {
            Some("Failed") => Self::Failed,
            Some("Succeeded") => Self::Succeeded,
            _ => Self::Active,
        }
    }
}

/// Returns the namespace, name and uid of an object, as those of a pod.
pub(crate) fn identity(object: &Value) -> Result<Owner, Unidentified> {
    let member = |field: &'static str| {
        let value = object.get("metadata").and_then(|it| it.get(field));
        let value = value.and_then(Value::as_str).filter(|it| !it.is_empty());
        value.ok_or(Unidentified { field })
    };
    let field = "namespace";
    let namespace: Namespace = member(field)?.parse().map_err(|_| Unidentified { field })?;
    Ok(Owner::pod(namespace, member("name")?, member("uid")?))
}

/// Returns the status condition of this type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|it| text(it, "/type") == Some(kind))
}

/// Returns whether a condition is True.
pub(super) fn is_true(condition: Option<&Value>) -> bool {
    condition.and_then(|it| text(it, "/status")) == Some("True")
}

/// Returns the container that `kubectl` means where none is named.
pub(super) fn default_container<'a>(pod: &'a Value, spec: &'a Value) -> Option<&'a str> {
    let annotations = pod.pointer("/metadata/annotations");
    let annotated = annotations.and_then(|it| it.get("kubectl.kubernetes.io/default-container"));
    let first = || text(spec, "/containers/0/name");
    annotated.and_then(Value::as_str).or_else(first)
}

fn signals(pod: &RecordedPod<'_>) -> Result<PodSignals, Box<PodProblem>> {
    PodSignals::recorded(pod.record()?, &pod.facts()).map_err(|source| {
        let key = pod.keys.prefixed(Key::Injected);
        Box::new(PodProblem::Signal { key, source })
    })
}

/// Returns the container that the marker reports: the recorded one, else as admission chooses it.
fn signaller<'a>(pod: &'a Value, record: Option<&'a Record>) -> Option<&'a str> {
    let recorded = record.and_then(|it| it.signals_container.as_deref());
    recorded.or_else(|| default_container(pod, pod.get("spec")?))
}

fn container_state(pod: &Value, name: &str, restarted: Option<Timestamp>) -> ContainerState {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| elements(pod, list));
    let status = statuses.find(|it| text(it, "/name") == Some(name));
    status.map_or(ContainerState::NotStarted, |it| {
        ContainerState::read(it, restarted)
    })
}

/// Returns when the last container ended; of a pod whose containers left no trace, when its
/// conditions changed last.
fn last_end(pod: &Value) -> Option<Timestamp> {
    let ends = elements(pod, "/status/containerStatuses")
        .filter_map(|it| moment(it, "/state/terminated/finishedAt"));
    let changes =
        || elements(pod, "/status/conditions").filter_map(|it| moment(it, "/lastTransitionTime"));
    ends.max().or_else(|| changes().max())
}

fn job(pod: &Value) -> Option<Box<str>> {
    let owner = workload::owner(pod)?;
    ((owner.group, owner.kind) == ("batch", "Job")).then(|| owner.uid.into())
}

fn elements<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let elements = object.pointer(pointer).and_then(Value::as_array);
    elements.into_iter().flatten()
}

#[cfg(test)]
mod tests;
