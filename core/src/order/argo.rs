//! Argo CD: phases, one after the other, and waves in each.

use std::fmt;

use serde_json::Value;

use super::{annotation, helm, list};

/// The annotation that names the phases of a hook.
pub(crate) const HOOK: &str = "argocd.argoproj.io/hook";
/// The annotation with the wave.
pub(crate) const WAVE: &str = "argocd.argoproj.io/sync-wave";
pub(crate) const DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";

/// When Argo CD applies an object.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Step {
    /// The phase.
    pub phase: Phase,
    /// The wave in it.
    pub wave: i64,
}

/// A phase of a sync.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, strum::Display)]
pub enum Phase {
    /// Hooks before everything else.
    PreSync,
    /// Everything that is no hook.
    Sync,
    /// Hooks after everything else.
    PostSync,
}

/// Prints as Argo CD's documentation names it: `sync wave 5`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Sync => write!(f, "sync wave {}", self.wave),
            phase => write!(f, "{phase} wave {}", self.wave),
        }
    }
}

/// Returns when a sync applies an object; `None` if none does.
pub fn step(object: &Value) -> Option<Step> {
    let number = |key| annotation(object, key).and_then(|number| number.trim().parse().ok());
    let helm = annotation(object, helm::HOOK);
    let phase = match (annotation(object, HOOK), helm) {
        (Some(hooks), _) => list(hooks).find_map(|hook| phase_of(&hook))?,
        (None, Some(hooks)) => list(hooks).find_map(|hook| phase_of_helm(&hook))?,
        (None, None) => Phase::Sync,
    };
    Some(Step {
        phase,
        wave: number(WAVE).or_else(|| number(helm::WEIGHT)).unwrap_or(0),
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
