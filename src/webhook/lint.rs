//! Checks a workload when it is written, so that `kubectl apply` reports mistakes. The answer to
//! its pods' admission only reaches a controller.

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

/// Whether a workload with errors is denied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strictness {
    /// The workload is denied.
    Deny,
    /// The workload is admitted with warnings.
    #[default]
    Warn,
}

/// The longest object that is checked, in bytes: far longer than any that a person writes.
pub(super) const MAX_OBJECT: usize = 256 * 1024;

/// Returns the most memory in bytes that checking a body of this length takes, besides the body.
///
/// A value takes a few hundred bytes in memory and as few as two in the text: `[[[...]]]`. Metadata
/// is copied once. There is one tree of values at a time.
pub(super) fn memory(body_bytes: usize) -> usize {
    body_bytes.min(MAX_OBJECT) * 200
}

/// Answers `body` with the linter's findings about the workload in it.
pub fn lint(body: &[u8], settings: &Settings, strictness: Strictness) -> Answer {
    Review::decode(body)
        .and_then(|review| reply(&review, |review| rule(review, settings, strictness)))
        .unwrap_or_else(Answer::from)
}

fn rule(
    review: &Review<'_>,
    settings: &Settings,
    strictness: Strictness,
) -> Result<Ruled, Rejection> {
    if !matches!(&*review.operation, "CREATE" | "UPDATE") {
        return Ok(ignore(IgnoreReason::OtherOperation));
    }
    let look = |object| Look::at(object, review, settings);
    let after = match look(review.object()?)? {
        Ok(look) => look,
        Err(IgnoreReason::TooLarge) => return Ok(too_large()),
        Err(reason) => return Ok(ignore(reason)),
    };
    Ok(match review.old_object.map(look).transpose()? {
        // Scaling an old workload causes no warnings and no denial.
        Some(Ok(before)) if before == after => ignore(IgnoreReason::Unchanged),
        _ => say(&after.findings, strictness),
    })
}

/// The results for a workload, without its tree of values, which is many times as large as the
/// text.
#[derive(Eq, PartialEq)]
struct Look {
    /// oncue's annotations on the workload and its pods.
    ours: Vec<(String, String)>,
    findings: Vec<Finding>,
}

impl Look {
    /// Checks an object of `review`, unless its findings would reach no user.
    fn at(
        object: &RawValue,
        review: &Review<'_>,
        settings: &Settings,
    ) -> Result<Result<Self, IgnoreReason>, Rejection> {
        if object.get().len() > MAX_OBJECT {
            return Ok(Err(IgnoreReason::TooLarge));
        }
        let object: Value = serde_json::from_str(object.get()).map_err(Rejection::NotJson)?;
        let workloads = workloads(&object);
        if workloads.is_empty() {
            return Ok(Err(IgnoreReason::OtherKind));
        }
        if let Some(reason) = business_of_another(&object) {
            return Ok(Err(reason));
        }
        let linter = Linter {
            settings,
            namespace: &review.namespace()?,
            existing: &[],
            assumptions: &[],
            policy: None,
        };
        Ok(Ok(Self {
            ours: workloads
                .iter()
                .flat_map(|workload| ours(&settings.keys, workload))
                .collect(),
            findings: linter.lint_object(&object),
        }))
    }
}

fn too_large() -> Ruled {
    let warning = format!(
        "oncue does not look at an object of more than {} KiB, such as this one: what is wrong with \
         its annotations is found when its pods are created, or by oncue check",
        MAX_OBJECT / 1024
    );
    let outcome = Outcome::Ignored(IgnoreReason::TooLarge);
    (Ruling::Allow, vec![warning], outcome)
}

fn workloads(object: &Value) -> Vec<Workload<'_>> {
    let mut workloads = Workload::all(object, "");
    workloads.retain(|it| it.kind() != WorkloadKind::Pod);
    workloads
}

/// Returns the reason if findings of the object would reach no user.
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

fn ours(keys: &Keys, workload: &Workload<'_>) -> Vec<(String, String)> {
    workload
        .annotations()
        .chain(workload.own_annotations())
        .chain(workload.labels())
        .filter(|(key, _)| keys.key(key).is_some())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
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
