//! What admission will say of a workload's pods: by the webhook's own code.

use serde_json::Value;

use super::{Code, Finding, Linter, Part, Place, Severity, place_of};
use crate::{
    graph::Actor,
    injection::{self, Collision, Injection, Refusal, Target, Warning},
    language::{AnnotationError, AnnotationWarning, Namespace, annotation::Key},
    workload::{Scale, Workload},
};

impl Linter<'_> {
    pub(super) fn admission(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        let subject = Subject {
            linter: self,
            object,
            workload,
        };
        match subject.inject() {
            Ok(injection) => {
                let warnings = injection.warnings.iter();
                let mut findings: Vec<_> = warnings.map(|w| subject.warning(w)).collect();
                // Where a pod is left alone nobody has read all of it.
                let actor = Actor::read(workload.clone(), &self.settings.keys, self.namespace);
                let errors = actor.err().unwrap_or_default();
                findings.extend(errors.iter().map(|error| subject.annotation(error)));
                findings
            }
            Err(Refusal::Annotations(errors)) => errors
                .iter()
                .map(|error| subject.annotation(error))
                .collect(),
            Err(Refusal::Collision(collision)) => {
                let path = match &collision {
                    Collision::Container { path, .. }
                    | Collision::Mount { path, .. }
                    | Collision::Volume { path, .. } => path,
                };
                vec![subject.refused(path, collision.to_string())]
            }
            Err(Refusal::Pod(error)) => vec![subject.refused(&error.path, error.to_string())],
        }
    }
}

/// The pods that admission is asked about.
struct Subject<'a> {
    linter: &'a Linter<'a>,
    object: usize,
    workload: &'a Workload<'a>,
}

impl Subject<'_> {
    /// Asks for the first pod, which has every label that a controller adds.
    fn inject(&self) -> Result<Injection, Refusal> {
        let first = match self.workload.scale() {
            Scale::Replicas { first_ordinal, .. } => first_ordinal,
            Scale::EachNode | Scale::Runs { .. } => 0,
        };
        let pod = self.workload.pod_at(first);
        let own = self.workload.namespace().and_then(|own| own.parse().ok());
        let namespace: &Namespace = own.as_ref().unwrap_or(self.linter.namespace);
        let target = Target {
            namespace,
            name: pod.pointer("/metadata/name").and_then(Value::as_str),
        };
        injection::inject(&pod.to_string(), &target, self.linter.settings)
    }

    fn annotation(&self, error: &AnnotationError) -> Finding {
        let place = self.place(error.key());
        Finding {
            severity: Severity::Error,
            code: Code::BadAnnotation,
            message: error.to_string(),
            place: Place {
                part: match error {
                    AnnotationError::Conflict { .. } => Part::Key,
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
        let (severity, code, place) = match warning {
            Warning::Annotation(AnnotationWarning::UnknownKey { key, .. }) => {
                let place = Place {
                    object: self.object,
                    pointer: self.workload.annotation_pointer(key),
                    part: Part::Key,
                };
                (Severity::Error, Code::UnknownKey, place)
            }
            Warning::Annotation(AnnotationWarning::Reserved { key }) => {
                (Severity::Warning, Code::ReservedKey, self.place(*key))
            }
            Warning::Skipped(_) => (Severity::Warning, Code::NotInjected, self.first_place()),
            _ => (Severity::Warning, Code::Admission, self.first_place()),
        };
        Finding {
            severity,
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
