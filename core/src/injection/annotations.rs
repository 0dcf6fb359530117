//! The annotations that oncue writes, and whether the pod has room for them.

use std::borrow::Cow;

use super::{
    patch::Patch,
    plan::Plan,
    record::Record,
    refusal::{PodError, Refusal},
    view::Pairs,
    volume::OwnVolume,
};
use crate::language::annotation::Key;

/// The most bytes of all keys and values of an object's annotations that Kubernetes accepts.
pub(crate) const MAX_BYTES: usize = 256 << 10;

/// The annotation that lists the volumes for whose sake the cluster autoscaler keeps no node, as it
/// does for every other `emptyDir`.
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// The annotations that oncue writes.
pub(crate) struct Annotations {
    injected: Written,
    safe_to_evict: Written,
}

/// An annotation after the round.
struct Written {
    key: Cow<'static, str>,
    change: Change,
}

enum Change {
    Keep,
    Remove,
    Set(String),
}

impl Annotations {
    /// Returns what has to be written for `plan`.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] if Kubernetes would refuse the pod with it.
    pub(crate) fn new(plan: &Plan<'_>, record: &Record) -> Result<Self, Refusal> {
        let key = plan.settings.keys.prefixed(Key::Injected);
        let annotations = Self {
            injected: Written {
                change: injected(plan, &key, record),
                key: key.into(),
            },
            safe_to_evict: Written {
                change: safe_to_evict(plan),
                key: SAFE_TO_EVICT.into(),
            },
        };
        annotations.check_size(plan)?;
        Ok(annotations)
    }

    fn check_size(&self, plan: &Plan<'_>) -> Result<(), Refusal> {
        let present = plan.pod.metadata.as_ref();
        let present = present.and_then(|metadata| metadata.annotations.as_ref());
        let others = present.into_iter().flat_map(Pairs::iter);
        let others = others.filter(|(key, _)| !self.list().iter().any(|it| it.replaces(key)));
        let others: usize = others.map(|(key, value)| key.len() + value.len()).sum();
        let added: usize = self.list().iter().map(|it| it.bytes()).sum();
        if others + added <= MAX_BYTES {
            return Ok(());
        }
        Err(Refusal::TooLarge(PodError {
            path: "metadata.annotations".to_owned(),
            reason: format!(
                "the pod's own have {others} bytes and oncue adds {added}, but Kubernetes allows \
                 {MAX_BYTES} together: shorten {} or {}, or remove others",
                plan.settings.keys.written(Key::DependsOn),
                plan.settings.keys.written(Key::Signals),
            ),
        }))
    }

    fn list(&self) -> [&Written; 2] {
        [&self.injected, &self.safe_to_evict]
    }

    /// Adds to `patch` what writes them.
    pub(crate) fn write(&self, patch: &mut Patch) {
        for Written { key, change } in self.list() {
            match change {
                Change::Keep => {}
                Change::Remove => patch.remove_member("/metadata/annotations", key),
                Change::Set(value) => patch.add_member("/metadata/annotations", key, value),
            }
        }
    }
}

impl Written {
    fn replaces(&self, key: &str) -> bool {
        self.key == key && !matches!(self.change, Change::Keep)
    }

    fn bytes(&self) -> usize {
        match &self.change {
            Change::Keep | Change::Remove => 0,
            Change::Set(value) => self.key.len() + value.len(),
        }
    }
}

fn injected(plan: &Plan<'_>, key: &str, record: &Record) -> Change {
    let text = serde_json::to_string(record).expect("a record is made of strings");
    match plan.pod.annotation(key) {
        Some(present) if present == text => Change::Keep,
        Some(_) | None => Change::Set(text),
    }
}

/// Tells the cluster autoscaler that our local volume holds nothing that a node must be kept for.
fn safe_to_evict(plan: &Plan<'_>) -> Change {
    let ours = OwnVolume::Client;
    let present = plan.pod.annotation(SAFE_TO_EVICT).unwrap_or_default();
    let volumes = present.split(',').filter(|volume| !volume.is_empty());
    let is_listed = volumes.clone().any(|volume| volume == ours.name());
    if plan.needs(ours) && !is_listed {
        let volumes: Vec<_> = volumes.chain([ours.name()]).collect();
        return Change::Set(volumes.join(","));
    }
    if plan.needs(ours) || !plan.had(ours) || !is_listed {
        return Change::Keep;
    }
    let others: Vec<_> = volumes.filter(|volume| *volume != ours.name()).collect();
    if others.is_empty() {
        Change::Remove
    } else {
        Change::Set(others.join(","))
    }
}
