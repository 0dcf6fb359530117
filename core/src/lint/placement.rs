//! Annotations in places where they have no effect, and annotations that are not strings.

use json_patch::jsonptr::Token;
use serde_json::{Map, Value};

use super::{Code, Finding, Part, Place, Severity};
use crate::{
    language::Keys,
    workload::{self, Workload, WorkloadKind},
};

/// Finds oncue's keys among the workload's own annotations, or among labels.
pub(super) fn on_workload(keys: &Keys, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
    let kind = workload.kind_name();
    let target = format!("{}.metadata.annotations", workload.path());
    let target = target.trim_start_matches('.');
    let found = |severity, pointer: String, message: String| Finding {
        severity,
        code: Code::Misplaced,
        message,
        place: Place {
            object,
            pointer,
            part: Part::Key,
        },
    };
    let own = workload.own_annotations().filter(|_| workload.is_first());
    let own = ours(keys, own.map(|(key, _)| key)).map(|key| {
        found(
            // Some controllers copy the annotations of their object to its pods.
            match workload.kind() {
                WorkloadKind::Custom => Severity::Warning,
                _ => Severity::Error,
            },
            format!(
                "{}/metadata/annotations/{}",
                workload.pointer(),
                Token::new(key).encoded()
            ),
            format!("{key} on the {kind} itself is not read: move it to {target}"),
        )
    });
    let labels = ours(keys, workload.labels().map(|(key, _)| key)).map(|key| {
        found(
            Severity::Error,
            format!(
                "{}/metadata/labels/{}",
                workload.template_pointer(),
                Token::new(key).encoded()
            ),
            format!("{key} is a label here, which is not read: move it to {target}"),
        )
    });
    own.chain(labels).collect()
}

/// Finds oncue's annotations on an object that creates no pods.
pub(super) fn on_other_object(
    keys: &Keys,
    object: usize,
    pointer: &str,
    value: &Value,
) -> Vec<Finding> {
    let kind = value.get("kind").and_then(Value::as_str);
    let annotations = fields(value, "/metadata/annotations").into_iter().flatten();
    ours(keys, annotations.map(|(key, _)| key.as_str()))
        .map(|key| Finding {
            severity: Severity::Warning,
            code: Code::Misplaced,
            message: format!(
                "{key} is read on pods and pod templates only, and a {} is neither",
                kind.unwrap_or("thing without a kind")
            ),
            place: Place {
                object,
                pointer: format!(
                    "{pointer}/metadata/annotations/{}",
                    Token::new(key).encoded()
                ),
                part: Part::Key,
            },
        })
        .collect()
}

/// Finds oncue's annotations in an object of another kind where no pod template is recognised. Its
/// controller may give them to pods.
pub(super) fn out_of_sight(
    keys: &Keys,
    object: usize,
    pointer: &str,
    value: &Value,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in workload::other_annotations(value) {
        let annotations = fields(value, &place).into_iter().flatten();
        let found = ours(keys, annotations.map(|(key, _)| key.as_str())).map(|key| Finding {
            severity: Severity::Warning,
            code: Code::Misplaced,
            message: format!(
                "{key} in {} is neither checked nor rehearsed: no pod template is recognised there",
                workload::dotted(&place)
            ),
            place: Place {
                object,
                pointer: format!("{pointer}{place}/{}", Token::new(key).encoded()),
                part: Part::Key,
            },
        });
        findings.extend(found);
    }
    findings
}

/// Finds oncue's annotations that are not strings, which the API server rejects.
pub(super) fn not_text(keys: &Keys, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
    let annotations = fields(workload.template(), "/metadata/annotations");
    let wrong = annotations
        .into_iter()
        .flatten()
        .filter(|(key, value)| keys.key(key).is_some() && !value.is_string());
    wrong
        .map(|(key, value)| Finding {
            severity: Severity::Error,
            code: Code::BadAnnotation,
            message: format!("{key}: an annotation is a string: {}", right(key, value)),
            place: Place {
                object,
                pointer: workload.annotation_pointer(key),
                part: Part::Value,
            },
        })
        .collect()
}

fn right(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "it is empty here, write its value or leave it out".to_owned(),
        Value::Array(_) => format!("write {key}: \"a, b\" in the place of a list"),
        Value::Object(_) => format!("write {key}: \"a=b\" in the place of a mapping"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            format!("put it in quotes, {key}: \"{value}\"")
        }
    }
}

fn ours<'a>(keys: &Keys, texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    texts.filter(|text| keys.key(text).is_some())
}

fn fields<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    value.pointer(pointer).and_then(Value::as_object)
}
