//! What is said of a workload when it is written: to the person who writes it, since admission of
//! its pods only speaks to a controller.

use serde_json::{Value, value::RawValue};

use super::{
    answer::{Answer, Ruled, ignore, reply},
    outcome::{IgnoreReason, Outcome},
    rejection::Rejection,
    review::{Review, Ruling},
    wording,
};
use crate::{
    injection::Settings,
    language::Keys,
    lint::{Finding, Linter, Severity},
    workload::{Workload, WorkloadKind},
};

/// What becomes of a workload whose pods would be refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strictness {
    /// It is denied.
    Deny,
    /// It is warned of.
    #[default]
    Warn,
}

/// Answers `body` with what the linter says of the workload in it.
pub fn lint(body: &[u8], settings: &Settings, strictness: Strictness) -> Answer {
    reply(body, |review| rule(review, settings, strictness)).unwrap_or_else(Answer::from)
}

fn rule(
    review: &Review<'_>,
    settings: &Settings,
    strictness: Strictness,
) -> Result<Ruled, Rejection> {
    if !matches!(&*review.operation, "CREATE" | "UPDATE") {
        return Ok(ignore(IgnoreReason::OtherOperation));
    }
    let object = read(review.object()?)?;
    let Some(workload) = workload(&object) else {
        return Ok(ignore(IgnoreReason::OtherKind));
    };
    if let Some(reason) = business_of_another(&object) {
        return Ok(ignore(reason));
    }
    let namespace = review.namespace()?;
    let linter = Linter {
        settings,
        namespace: &namespace,
    };
    let findings = linter.lint_object(&object);
    let before = review.old_object.map(read).transpose()?;
    match before.as_ref().and_then(self::workload) {
        Some(before) if is_told(&linter, (&before, &workload), &findings) => {
            Ok(ignore(IgnoreReason::Unchanged))
        }
        _ => Ok(say(&findings, strictness)),
    }
}

fn read(object: &RawValue) -> Result<Value, Rejection> {
    serde_json::from_str(object.get()).map_err(Rejection::NotJson)
}

fn workload(object: &Value) -> Option<Workload<'_>> {
    Workload::new(object, String::new()).filter(|it| it.kind() != WorkloadKind::Pod)
}

/// Returns why nobody is to be told of the object.
fn business_of_another(object: &Value) -> Option<IgnoreReason> {
    let metadata = object.get("metadata")?;
    if metadata
        .get("deletionTimestamp")
        .is_some_and(Value::is_string)
    {
        return Some(IgnoreReason::Deleting);
    }
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    let is_controlled = owners
        .into_iter()
        .flatten()
        .any(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    is_controlled.then_some(IgnoreReason::Owned)
}

/// Returns whether an update changes nothing of what was told when it was written: who scales an
/// old workload should neither hear of it again nor be denied.
fn is_told(
    linter: &Linter<'_>,
    (before, after): (&Workload<'_>, &Workload<'_>),
    findings: &[Finding],
) -> bool {
    let keys = &linter.settings.keys;
    ours(keys, before) == ours(keys, after) && linter.lint_object(before.object()) == *findings
}

/// Returns what of ours is written on a workload and its pods.
fn ours<'a>(keys: &Keys, workload: &Workload<'a>) -> Vec<(&'a str, &'a str)> {
    workload
        .annotations()
        .chain(workload.own_annotations())
        .chain(workload.labels())
        .filter(|(key, _)| keys.key(key).is_some())
        .collect()
}

fn say(findings: &[Finding], strictness: Strictness) -> Ruled {
    let (errors, rest): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.severity == Severity::Error);
    if strictness == Strictness::Deny && !errors.is_empty() {
        let ruling = Ruling::Deny {
            code: 422,
            message: wording::denial(&errors),
        };
        return (ruling, wording::warnings(&rest), Outcome::Denied("lint"));
    }
    let all: Vec<_> = errors.into_iter().chain(rest).collect();
    let outcome = match all[..] {
        [] => Outcome::Clean,
        _ => Outcome::Warned,
    };
    (Ruling::Allow, wording::warnings(&all), outcome)
}
