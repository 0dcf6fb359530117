//! A pod's JSON, with what is parsed of it once for all who read it.

use std::cell::OnceCell;

use oncue_language::{Facts, Keys, Owner, PodAnnotations, Timestamp, annotation::Key};
use serde_json::Value;

use crate::{
    injection::{CONTAINER, Record},
    life::{PodPhase, PodProblem, Unidentified, created, identity},
    release::{ReleaseProblem, ReleaseReason},
    workload::text,
};

/// A pod's JSON, with what is parsed of it once for all who read it.
pub(crate) struct RecordedPod<'a> {
    pub(crate) json: &'a Value,
    pub(crate) keys: &'a Keys,
    pub(crate) id: Owner,
    pub(crate) created: Timestamp,
    pub(crate) phase: PodPhase,
    /// What injection recorded.
    pub(crate) record: Result<Record, Box<PodProblem>>,
    /// Why a person let the pod go; `None` if nobody did.
    pub(crate) release: Result<Option<ReleaseReason>, ReleaseProblem>,
    asked: OnceCell<Result<PodAnnotations, Box<PodProblem>>>,
}

impl<'a> RecordedPod<'a> {
    /// # Errors
    /// [`Unidentified`] if the pod does not say which it is.
    pub(crate) fn read(json: &'a Value, keys: &'a Keys) -> Result<Self, Unidentified> {
        Ok(Self {
            id: identity(json)?,
            created: created(json),
            phase: PodPhase::read(json),
            record: record(json, keys),
            release: ReleaseReason::of_pod(json, keys),
            asked: OnceCell::new(),
            json,
            keys,
        })
    }

    /// Returns what the record says that the pod asked for; names that it leaves open are filled in
    /// from the pod, as far as it knows them.
    ///
    /// # Errors
    /// [`PodProblem`] if a part of the record cannot be read.
    pub(crate) fn asked(&self) -> Result<&PodAnnotations, Box<PodProblem>> {
        let asked = self.asked.get_or_init(|| {
            let asked = self.record()?.annotations();
            let asked = asked.map_err(|reason| self.damaged(reason))?;
            let resolved = asked.resolve(&self.facts());
            Ok(resolved.map_err(|error| self.damaged(error.to_string()))?)
        });
        asked.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn record(&self) -> Result<&Record, Box<PodProblem>> {
        self.record.as_ref().map_err(Clone::clone)
    }

    /// Returns that the record cannot be read, and why.
    pub(crate) fn damaged(&self, reason: String) -> PodProblem {
        let key = self.keys.prefixed(Key::Injected);
        PodProblem::Record { key, reason }
    }

    /// Returns what is known only now: everything else is filled in in the record.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            node_name: text(self.json, "/spec/nodeName").filter(|it| !it.is_empty()),
            pod_name: Some(&self.id.name),
            pod_namespace: Some(self.id.namespace.as_str()),
            pod_uid: Some(&self.id.uid),
            ..Facts::default()
        }
    }

    /// Returns whether a container waits in it, whatever its record says.
    pub(crate) fn has_wait_container(&self) -> bool {
        let containers = self.json.pointer("/spec/initContainers");
        let mut containers = containers.and_then(Value::as_array).into_iter().flatten();
        containers.any(|container| text(container, "/name") == Some(CONTAINER))
    }

    /// Returns whether someone has asked for its end.
    pub(crate) fn is_being_deleted(&self) -> bool {
        text(self.json, "/metadata/deletionTimestamp").is_some()
    }
}

fn record(pod: &Value, keys: &Keys) -> Result<Record, Box<PodProblem>> {
    let key = keys.prefixed(Key::Injected);
    let annotations = pod.pointer("/metadata/annotations");
    let Some(text) = annotations.and_then(|it| it.get(&key)?.as_str()) else {
        return Err(Box::new(PodProblem::NotInjected { key }));
    };
    serde_json::from_str(text).map_err(|error| {
        let reason = error.to_string();
        Box::new(PodProblem::Record { key, reason })
    })
}
