//! Admission's decision about a workload's pods, by the webhook's own code.

use super::{
    Code, Finding, Linter, Part, Place, ReadWorkload, Severity, placement,
    places::Places,
    sample::{Pod, Sample, tell_of_labels},
};
use crate::{
    injection::{self, Collision, Decision, Injection, Refusal, Refused, Target, Warning},
    language::{
        AnnotationError, AnnotationWarning, PodAnnotations,
        annotation::{Fault, Key},
    },
    workload::Workload,
};

/// The decision about admitted pods.
#[derive(Debug)]
pub struct Admitted {
    /// The decision.
    pub decision: Decision,
    /// The warnings for users.
    pub findings: Vec<Finding>,
}

impl Linter<'_> {
    /// Returns admission's decision about the pods of `workload`, which `sample` stands for.
    ///
    /// Annotations that are not strings do not matter here: the API server rejects them earlier.
    ///
    /// # Errors
    /// Every reason to reject the pod, with the warnings.
    pub fn admit(
        &self,
        object: usize,
        workload: &Workload<'_>,
        sample: Sample,
    ) -> Result<Admitted, Vec<Finding>> {
        let namespace = workload.namespace_or(self.namespace);
        let pod = Pod::new(workload, sample);
        let target = Target {
            namespace: &namespace,
            name: pod.name.as_deref(),
        };
        let subject = Subject {
            linter: self,
            places: Places::new(&self.settings.keys, object, workload),
        };
        let mut not_text = placement::not_text(&self.settings.keys, object, workload);
        if !not_text.is_empty() {
            not_text.extend(subject.misspelt());
            return Err(not_text);
        }
        match injection::inject(&pod.to_json(), &target, self.settings) {
            Ok(Injection {
                decision, warnings, ..
            }) => Ok(Admitted {
                decision,
                findings: subject.warnings(&warnings),
            }),
            Err(Refused {
                mut refusal,
                warnings,
            }) => {
                if let (Sample::Template, Refusal::Annotations(errors)) = (sample, &mut refusal) {
                    for error in errors {
                        tell_of_labels(error, workload);
                    }
                }
                let mut findings = subject.refusal(&refusal);
                findings.extend(subject.warnings(&warnings));
                Err(findings)
            }
        }
    }

    /// Finds what admission will report about the pods of `workload`.
    pub(super) fn admission(&self, object: usize, read: &ReadWorkload<'_>) -> Vec<Finding> {
        let ReadWorkload { workload, member } = read;
        let mut findings = match self.admit(object, workload, Sample::FirstPod) {
            // A skipped pod was not read completely.
            Ok(Admitted { mut findings, .. }) => {
                if let Err(errors) = member {
                    let subject = Subject {
                        linter: self,
                        places: Places::new(&self.settings.keys, object, workload),
                    };
                    findings.extend(tell(errors, |error| subject.annotation(error)));
                }
                findings
            }
            Err(refused) => refused,
        };
        for finding in &mut findings {
            // Admission only warns about it, so that a rollout does not fail.
            if finding.code == Code::UnknownKey {
                finding.severity = Severity::Error;
            }
        }
        findings
    }
}

/// The pods of a workload.
struct Subject<'a> {
    linter: &'a Linter<'a>,
    places: Places<'a>,
}

impl Subject<'_> {
    /// Finds keys that resemble oncue's, on pods that are not injected.
    fn misspelt(&self) -> Vec<Finding> {
        let keys = &self.linter.settings.keys;
        let reading = PodAnnotations::read(keys, self.places.workload.annotations());
        let warnings = reading.warnings.into_iter().map(Warning::Annotation);
        self.warnings(&warnings.collect::<Vec<_>>())
    }

    fn warnings(&self, warnings: &[Warning]) -> Vec<Finding> {
        tell(warnings, |warning| self.warning(warning))
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<Finding> {
        match refusal {
            Refusal::Annotations(errors) => tell(errors, |error| self.annotation(error)),
            Refusal::Collision(collision) => {
                let path = match collision {
                    Collision::Container { path, .. }
                    | Collision::Mount { path, .. }
                    | Collision::Volume { path, .. } => path,
                };
                vec![self.refused(path, collision.to_string())]
            }
            Refusal::Incomplete(error) | Refusal::Pod(error) | Refusal::TooLarge(error) => {
                vec![self.refused(&error.path, error.to_string())]
            }
        }
    }

    fn annotation(&self, error: &AnnotationError) -> Finding {
        Finding {
            severity: Severity::Error,
            code: Code::BadAnnotation,
            message: error.told(&self.linter.settings.keys),
            place: Place {
                part: match error.fault {
                    Fault::Conflict => Part::Key,
                    _ => Part::Column(error.column()),
                },
                ..self.places.of(error.key)
            },
        }
    }

    fn refused(&self, path: &str, message: String) -> Finding {
        let path = path.replace('[', "/").replace(']', "").replace('.', "/");
        Finding {
            severity: Severity::Error,
            code: Code::Refused,
            message,
            place: Place {
                object: self.places.object,
                pointer: format!("{}/{path}", self.places.workload.template_pointer()),
                part: Part::Value,
            },
        }
    }

    fn warning(&self, warning: &Warning) -> Finding {
        Finding {
            severity: Severity::Warning,
            code: match warning {
                Warning::Annotation(AnnotationWarning::UnknownKey { .. }) => Code::UnknownKey,
                Warning::Annotation(AnnotationWarning::Reserved { .. }) => Code::ReservedKey,
                Warning::Annotation(AnnotationWarning::Release { .. }) => Code::Misplaced,
                Warning::ExcludedNamespace { .. } => Code::Unproduced,
                Warning::Skipped(_) => Code::NotInjected,
                _ => Code::Admission,
            },
            message: warning.to_string(),
            place: self.place(warning),
        }
    }

    /// Returns the place that `warning` is about, if there is exactly one.
    fn place(&self, warning: &Warning) -> Place {
        let places = &self.places;
        match warning {
            Warning::Annotation(AnnotationWarning::UnknownKey { key, .. }) => places.written(key),
            Warning::Annotation(
                AnnotationWarning::Empty { key, .. } | AnnotationWarning::Reserved { key, .. },
            )
            | Warning::LiveSignalsStay { key } => places.of(*key),
            Warning::Annotation(AnnotationWarning::Release { .. }) => places.of(Key::Release),
            Warning::FirstOfSeveral { .. } => places.of_any(&ASKING_FOR_START),
            Warning::GangScheduled { .. } => places.of(Key::DependsOnMode),
            Warning::LabelKept { label } => places.label(label),
            Warning::ExcludedNamespace { .. }
            | Warning::LoopbackProbe { .. }
            | Warning::SecretUnreadable { .. }
            | Warning::LoopbackUnanswered { .. } => places.of(Key::DependsOn),
            Warning::MeshFirst => places.of(Key::DependsOnPosition),
            Warning::PostStartKept { .. } => places.of(Key::Signals),
            Warning::ResourcesAdjusted { .. } => places.of(Key::Resources),
            Warning::MeshCni | Warning::Skipped(_) | Warning::StoreUnresolved => {
                places.of_any(&ASKING)
            }
        }
    }
}

/// The keys that may depend on which container signals.
const ASKING_FOR_START: [Key; 2] = [Key::Signals, Key::DependsOn];

/// The keys that cause injection, the most common first.
const ASKING: [Key; 8] = [
    Key::DependsOn,
    Key::Signals,
    Key::SignalsOnWait,
    Key::SignalsOnInit,
    Key::SignalsOnReady,
    Key::SignalsOnSuccess,
    Key::SignalsOnFailure,
    Key::Inject,
];

/// Returns the findings about `items`: one for each of the first few dozen, and a count of the
/// others.
fn tell<T>(items: &[T], say: impl Fn(&T) -> Finding) -> Vec<Finding> {
    let (told, rest) = items.split_at(items.len().min(MAX_TOLD));
    let mut findings: Vec<_> = told.iter().map(&say).collect();
    findings.extend(rest.first().map(|first| Finding {
        message: format!("and {} more like these", rest.len()),
        ..say(first)
    }));
    findings
}

/// The most findings of one kind about one workload.
const MAX_TOLD: usize = 48;
