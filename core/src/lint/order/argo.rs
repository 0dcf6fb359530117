//! Argo CD: it applies phases one after the other, and in each the waves, and goes on once all that
//! it has applied is healthy.

use std::fmt;

use super::{Ordered, annotation, is_waited_for, list};
use crate::{lint::Severity, workload::Workload};

const HOOK: &str = "argocd.argoproj.io/hook";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
pub(super) const DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";

/// When Argo CD applies an object.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Step {
    phase: Phase,
    wave: i64,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, strum::Display)]
enum Phase {
    PreSync,
    Sync,
    PostSync,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Sync => write!(f, "sync wave {}", self.wave),
            phase => write!(f, "{phase} wave {}", self.wave),
        }
    }
}

/// Returns why the order keeps all `producers` from being applied before `consumer` is healthy.
pub(super) fn judge(
    consumer: &Workload<'_>,
    producers: &[Ordered<'_, '_>],
) -> Option<(Severity, String)> {
    let all = [consumer]
        .into_iter()
        .chain(producers.iter().map(|it| it.workload));
    let is_used = all.into_iter().any(|it| {
        annotation(it, HOOK)
            .or_else(|| annotation(it, WAVE))
            .is_some()
    });
    if !is_used || !is_waited_for(consumer) {
        return None;
    }
    let own = step(consumer)?;
    let steps: Option<Vec<_>> = producers.iter().map(|it| step(it.workload)).collect();
    let first = steps?.into_iter().min().filter(|first| *first > own)?;
    let producer = producers
        .iter()
        .find(|it| step(it.workload) == Some(first))?;
    let why = format!(
        "Argo CD applies {} in {first}, once {own} is healthy, which {consumer} is a part of: \
         neither ever happens",
        producer.workload
    );
    Some((Severity::Error, why))
}

/// Returns when a sync applies an object; `None` if none does.
fn step(workload: &Workload<'_>) -> Option<Step> {
    let wave = annotation(workload, WAVE).and_then(|wave| wave.trim().parse().ok());
    let helm = annotation(workload, super::helm::HOOK);
    let phase = match (annotation(workload, HOOK), helm) {
        (Some(hooks), _) => list(hooks).find_map(|hook| phase_of(&hook))?,
        (None, Some(hooks)) => list(hooks).find_map(|hook| phase_of_helm(&hook))?,
        (None, None) => Phase::Sync,
    };
    Some(Step {
        phase,
        wave: wave.unwrap_or(0),
    })
}

fn phase_of(hook: &str) -> Option<Phase> {
    match hook {
        "presync" => Some(Phase::PreSync),
        "sync" => Some(Phase::Sync),
        "postsync" => Some(Phase::PostSync),
        _ => None,
    }
}

fn phase_of_helm(hook: &str) -> Option<Phase> {
    match hook {
        "pre-install" | "pre-upgrade" => Some(Phase::PreSync),
        "post-install" | "post-upgrade" => Some(Phase::PostSync),
        _ => None,
    }
}
