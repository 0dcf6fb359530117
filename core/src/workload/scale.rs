//! The number of pods of a workload.

use serde_json::Value;

use super::WorkloadKind;

/// The number of pods of a workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scale {
    /// One pod on each node.
    EachNode,
    /// Pods that run to their end.
    Runs {
        /// The number of pods that have to succeed. If `None`, no pod is started after the first
        /// success.
        completions: Option<u32>,
        /// The most pods that run at once.
        parallelism: u32,
        /// Whether each pod has a number.
        mode: CompletionMode,
    },
    /// A constant number of pods.
    Replicas {
        /// The number of pods.
        count: u32,
        /// The number of the first pod; 0 if they are not numbered.
        first_ordinal: u32,
    },
}

/// Whether the pods of a Job are numbered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CompletionMode {
    /// Each pod has an index, for its part of the work.
    Indexed,
    /// All pods are alike.
    #[default]
    NonIndexed,
}

impl Scale {
    /// That of a single pod.
    pub(crate) const ONE: Self = Self::Replicas {
        count: 1,
        first_ordinal: 0,
    };

    pub(super) fn of(kind: WorkloadKind, object: &Value) -> Self {
        match kind {
            WorkloadKind::CronJob => runs(object.pointer("/spec/jobTemplate/spec")),
            WorkloadKind::DaemonSet => Self::EachNode,
            WorkloadKind::Job => runs(object.get("spec")),
            WorkloadKind::Pod => Self::ONE,
            WorkloadKind::Deployment
            | WorkloadKind::ReplicaSet
            | WorkloadKind::ReplicationController
            | WorkloadKind::StatefulSet => Self::Replicas {
                count: number(object, "/spec/replicas").unwrap_or(1),
                first_ordinal: number(object, "/spec/ordinals/start").unwrap_or(0),
            },
        }
    }

    /// Returns the number of the first pod, or 0 if they are not numbered.
    pub fn first_ordinal(self) -> u32 {
        match self {
            Self::EachNode | Self::Runs { .. } => 0,
            Self::Replicas { first_ordinal, .. } => first_ordinal,
        }
    }

    /// Returns the most pods at one time, or `None` for one on each node.
    pub fn at_once(self) -> Option<u32> {
        match self {
            Self::EachNode => None,
            Self::Runs {
                completions,
                parallelism,
                ..
            } => Some(completions.map_or(parallelism, |completions| completions.min(parallelism))),
            Self::Replicas { count, .. } => Some(count),
        }
    }

    /// Returns the most pods over time without retries, or `None` for one on each node.
    pub fn in_all(self) -> Option<u32> {
        match self {
            Self::Runs {
                completions: Some(completions),
                ..
            } => Some(completions),
            other => other.at_once(),
        }
    }
}

fn runs(spec: Option<&Value>) -> Scale {
    let spec = spec.unwrap_or(&Value::Null);
    let parallelism = number(spec, "/parallelism");
    Scale::Runs {
        // A Job without either number runs one pod to one completion.
        completions: number(spec, "/completions").or(match parallelism {
            None => Some(1),
            Some(_) => None,
        }),
        parallelism: parallelism.unwrap_or(1),
        mode: match spec.get("completionMode").and_then(Value::as_str) {
            Some("Indexed") => CompletionMode::Indexed,
            _ => CompletionMode::NonIndexed,
        },
    }
}

fn number(object: &Value, pointer: &str) -> Option<u32> {
    let number = object.pointer(pointer)?.as_u64()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}
