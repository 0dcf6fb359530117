//! The number of pods of a workload.

use serde_json::Value;

use super::{RestartPolicy, Workload, WorkloadKind, text};

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
    /// The object does not say, or another controller decides.
    Unknown,
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
            WorkloadKind::Custom => Self::Unknown,
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

    /// Returns the scale of a template in an object of a kind that is not built in: the product of
    /// all `replicas` above it, and of the numbers of a Job around it.
    pub(super) fn of_custom(workload: &Workload<'_>) -> Self {
        // A PodTemplate is a part for others to use.
        if workload.kind_name() == "PodTemplate"
            && text(workload.object, "/apiVersion") == Some("v1")
        {
            return Self::Replicas {
                count: 0,
                first_ordinal: 0,
            };
        }
        let above = Above::of(workload);
        let Some(count) = above.count.filter(|_| !above.is_elastic) else {
            return Self::Unknown;
        };
        match workload.restart_policy() {
            RestartPolicy::Always => Self::Replicas {
                count,
                first_ordinal: 0,
            },
            RestartPolicy::Never | RestartPolicy::OnFailure => Self::Runs {
                completions: Some(count),
                parallelism: count,
                mode: CompletionMode::NonIndexed,
            },
        }
    }

    /// Returns the number of the first pod, or 0 if they are not numbered.
    pub fn first_ordinal(self) -> u32 {
        match self {
            Self::EachNode | Self::Runs { .. } | Self::Unknown => 0,
            Self::Replicas { first_ordinal, .. } => first_ordinal,
        }
    }

    /// Returns the most pods at one time, or `None` for one on each node and where it is unknown.
    pub fn at_once(self) -> Option<u32> {
        match self {
            Self::EachNode | Self::Unknown => None,
            Self::Runs {
                completions,
                parallelism,
                ..
            } => Some(completions.map_or(parallelism, |completions| completions.min(parallelism))),
            Self::Replicas { count, .. } => Some(count),
        }
    }

    /// Returns the most pods over time without retries, or `None` for one on each node and where it is unknown.
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

/// What the parts of an object above a template say about the number of its pods.
#[derive(Default)]
struct Above {
    count: Option<u32>,
    /// Whether something may change the number.
    is_elastic: bool,
}

impl Above {
    fn of(workload: &Workload<'_>) -> Self {
        let mut above = Self::default();
        let mut part = workload.object;
        for token in workload.path.split('/').skip(1) {
            above.add(part, token);
            let index = token.parse::<usize>().ok();
            let token = token.replace("~1", "/").replace("~0", "~");
            let child = index.map_or_else(|| part.get(&token), |index| part.get(index));
            part = child.unwrap_or(&Value::Null);
        }
        above
    }

    /// Takes in `part`, in which `key` leads to the template.
    fn add(&mut self, part: &Value, key: &str) {
        let named = |key: &str| part.get(key).and_then(Value::as_u64);
        self.multiply(named("replicas"));
        self.multiply(named("completions").or_else(|| named("parallelism")));
        // The group of a LeaderWorkerSet: one leader, and the others.
        let size = named("size");
        match key {
            "leaderTemplate" => self.multiply(size.map(|_| 1)),
            "workerTemplate" => {
                let leaders = u64::from(part.get("leaderTemplate").is_some());
                self.multiply(size.map(|size| size.saturating_sub(leaders)));
            }
            _ => {}
        }
        self.is_elastic |= named("maxReplicas").is_some();
    }

    fn multiply(&mut self, by: Option<u64>) {
        if let Some(by) = by {
            let by = u32::try_from(by).unwrap_or(u32::MAX);
            self.count = Some(self.count.unwrap_or(1).saturating_mul(by));
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
