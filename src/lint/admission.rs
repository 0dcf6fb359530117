//! What admission will say of a workload's pods: by the webhook's own code.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Code, Finding, Linter, Part, Place, Severity, place_of, placement};
use crate::{
    graph::Actor,
    injection::{self, Collision, Decision, Injection, Refusal, Refused, Target, Warning},
    language::{
        AnnotationError, AnnotationWarning, Namespace, PodAnnotations,
        annotation::{Fault, Key},
    },
    workload::{Workload, WorkloadKind},
};

/// What stands for the pods of a workload when admission is asked about them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sample {
    /// The first one: it has every label that a controller adds.
    FirstPod,
    /// What they are made from, without the name and the labels of any of them: what is decided
    /// goes for all.
    Template,
}

/// What becomes of pods that are let in.
#[derive(Debug)]
pub struct Admitted {
    /// What is done with them.
    pub decision: Decision,
    /// What people should hear of them, as warnings.
    pub findings: Vec<Finding>,
}

impl Linter<'_> {
    /// Asks admission about the pods of `workload`, for which `sample` stands.
    ///
    /// An annotation that is no string never comes so far: the API server refuses it.
    ///
    /// # Errors
    /// Everything for which the pod is refused, and what people should hear of it besides.
    pub fn admit(
        &self,
        object: usize,
        workload: &Workload<'_>,
        sample: Sample,
    ) -> Result<Admitted, Vec<Finding>> {
        let own = workload.namespace().and_then(|own| own.parse().ok());
        let namespace: &Namespace = own.as_ref().unwrap_or(self.namespace);
        let pod = Pod::new(workload, sample);
        let target = Target {
            namespace,
            // Controllers ignore the name in a template.
            name: pod
                .name()
                .filter(|_| sample == Sample::FirstPod || workload.kind() == WorkloadKind::Pod),
        };
        let subject = Subject {
            linter: self,
            object,
            workload,
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
            Err(Refused { refusal, warnings }) => {
                let mut findings = subject.refusal(&refusal);
                findings.extend(subject.warnings(&warnings));
                Err(findings)
            }
        }
    }

    /// Says what admission will say of the pods of `workload`.
    pub(super) fn admission(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        let subject = Subject {
            linter: self,
            object,
            workload,
        };
        let mut findings = match self.admit(object, workload, Sample::FirstPod) {
            // Where a pod is left alone nobody has read all of it.
            Ok(Admitted { mut findings, .. }) => {
                findings.extend(subject.unread());
                findings
            }
            Err(refused) => refused,
        };
        for finding in &mut findings {
            // A rollout must not fail for it, so that admission only warns.
            if finding.code == Code::UnknownKey {
                finding.severity = Severity::Error;
            }
        }
        findings
    }
}

/// What admission reads of a pod, borrowed where it can be: a workload may be large.
#[derive(Serialize)]
struct Pod<'a> {
    metadata: Cow<'a, Map<String, Value>>,
    spec: Option<&'a Value>,
}

impl<'a> Pod<'a> {
    fn new(workload: &Workload<'a>, sample: Sample) -> Self {
        let template = workload.template();
        let metadata = match sample {
            Sample::FirstPod => Cow::Owned(workload.metadata_at(workload.scale().first_ordinal())),
            Sample::Template => {
                let metadata = template.get("metadata").and_then(Value::as_object);
                metadata.map(Cow::Borrowed).unwrap_or_default()
            }
        };
        Self {
            metadata,
            spec: template.get("spec"),
        }
    }

    fn name(&self) -> Option<&str> {
        self.metadata.get("name").and_then(Value::as_str)
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("it is made of JSON values")
    }
}

/// The pods that admission is asked about.
struct Subject<'a> {
    linter: &'a Linter<'a>,
    object: usize,
    workload: &'a Workload<'a>,
}

impl Subject<'_> {
    /// Finds what is wrong with annotations by themselves.
    fn unread(&self) -> Vec<Finding> {
        let Linter {
            settings,
            namespace,
        } = self.linter;
        let actor = Actor::read(self.workload.clone(), &settings.keys, namespace);
        let errors = actor.err().unwrap_or_default();
        errors.iter().map(|error| self.annotation(error)).collect()
    }

    /// Finds keys that look like ours, in a pod that admission will not see.
    fn misspelt(&self) -> Vec<Finding> {
        let keys = &self.linter.settings.keys;
        let reading = PodAnnotations::read(keys, self.workload.annotations());
        let warnings = reading.warnings.into_iter().map(Warning::Annotation);
        warnings.map(|warning| self.warning(&warning)).collect()
    }

    fn warnings(&self, warnings: &[Warning]) -> Vec<Finding> {
        let warnings = warnings.iter();
        warnings.map(|warning| self.warning(warning)).collect()
    }

    fn refusal(&self, refusal: &Refusal) -> Vec<Finding> {
        match refusal {
            Refusal::Annotations(errors) => {
                errors.iter().map(|error| self.annotation(error)).collect()
            }
            Refusal::Collision(collision) => {
                let path = match collision {
                    Collision::Container { path, .. }
                    | Collision::Mount { path, .. }
                    | Collision::Volume { path, .. } => path,
                };
                vec![self.refused(path, collision.to_string())]
            }
            Refusal::Pod(error) | Refusal::TooLarge(error) => {
                vec![self.refused(&error.path, error.to_string())]
            }
        }
    }

    fn annotation(&self, error: &AnnotationError) -> Finding {
        let place = self.place(error.key);
        Finding {
            severity: Severity::Error,
            code: Code::BadAnnotation,
            message: error.told(&self.linter.settings.keys),
            place: Place {
                part: match error.fault {
                    Fault::Conflict => Part::Key,
                    _ => Part::Column(error.column()),
                },
                ..place
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
                object: self.object,
                pointer: format!("{}/{path}", self.workload.template_pointer()),
                part: Part::Value,
            },
        }
    }

    fn warning(&self, warning: &Warning) -> Finding {
        let (code, place) = match warning {
            Warning::Annotation(AnnotationWarning::UnknownKey { key, .. }) => {
                let place = Place {
                    object: self.object,
                    pointer: self.workload.annotation_pointer(key),
                    part: Part::Key,
                };
                (Code::UnknownKey, place)
            }
            Warning::Annotation(AnnotationWarning::Reserved { key, .. }) => {
                (Code::ReservedKey, self.place(*key))
            }
            Warning::Skipped(_) => (Code::NotInjected, self.first_place()),
            _ => (Code::Admission, self.first_place()),
        };
        Finding {
            severity: Severity::Warning,
            code,
            message: warning.to_string(),
            place,
        }
    }

    fn place(&self, key: Key) -> Place {
        place_of(&self.linter.settings.keys, self.object, self.workload, key)
    }

    /// Returns the place of the first annotation that is ours.
    fn first_place(&self) -> Place {
        let keys = &self.linter.settings.keys;
        let mut written = self.workload.annotations();
        let text = written.find(|(text, _)| keys.key(text).is_some());
        Place {
            object: self.object,
            pointer: self
                .workload
                .annotation_pointer(text.map_or("", |(text, _)| text)),
            part: Part::Key,
        }
    }
}
