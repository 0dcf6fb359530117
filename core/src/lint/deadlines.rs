//! Limits of a Job that end it while it waits, or before what it says can be seen.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{Code, Finding, Part, Place, Places, Severity};
use crate::{
    injection::CONTAINER,
    language::{Consequence, Presence},
    model::Member,
    workload::WorkloadKind,
};

/// Finds limits of a workload's pods that do not go with what these wait for and signal.
pub(super) fn findings(member: &Member, places: &Places<'_>) -> Vec<Finding> {
    let template = places.workload.template_pointer();
    let pod = deadline(member, places, &format!("{template}/spec"));
    let mut findings: Vec<_> = pod.into_iter().collect();
    if let Some((above, _)) = template.rsplit_once('/')
        && places.workload.kind() != WorkloadKind::Pod
    {
        findings.extend(deadline(member, places, above));
        findings.extend(failure_policy(member, places, above));
        findings.extend(ttl(member, places, above));
    }
    findings
}

fn deadline(member: &Member, places: &Places<'_>, part: &str) -> Option<Finding> {
    let pointer = format!("{part}/activeDeadlineSeconds");
    let seconds = places.value(&pointer)?.as_u64()?;
    let asked = &member.annotations;
    let rules = asked.timeout_rules();
    let terms = asked.depends_on.iter().map(|term| &term.value);
    let terms = terms.filter(|term| term.presence == Presence::Required);
    let limits = terms.filter_map(|term| rules.of_term(term).or(rules.of_wait()));
    let longest = limits.map(|limit| limit.after).max()?;
    if longest.duration() < Duration::from_secs(seconds) {
        return None;
    }
    Some(Finding {
        severity: Severity::Warning,
        code: Code::JobLimit,
        message: format!(
            "activeDeadlineSeconds also counts while the pods wait: after {seconds} s they are \
             stopped, although a wait may take {longest}"
        ),
        place: place(places, pointer),
    })
}

fn failure_policy(member: &Member, places: &Places<'_>, part: &str) -> Vec<Finding> {
    let rules = format!("{part}/podFailurePolicy/rules");
    let list = places.value(&rules).and_then(Value::as_array);
    let list: Vec<_> = list.into_iter().flatten().collect();
    let mut found = BTreeSet::new();
    for (code, why) in exit_codes(member) {
        let first = list.iter().position(|rule| sees(rule, code));
        let index = first.filter(|index| ends_job(list[*index]));
        found.extend(index.map(|index| (index, code, why)));
    }
    let finding = |(index, code, why): (usize, u64, &str)| Finding {
        severity: Severity::Warning,
        code: Code::JobLimit,
        message: format!(
            "this rule fails the Job at once if {CONTAINER} exits with {code}, because {why}: \
             name the container that the rule is for in onExitCodes.containerName"
        ),
        place: place(places, format!("{rules}/{index}")),
    };
    found.into_iter().map(finding).collect()
}

/// Returns the exit codes with which a wait of the pods can fail, each with why.
fn exit_codes(member: &Member) -> Vec<(u64, &'static str)> {
    let asked = &member.annotations;
    let rules = asked.timeout_rules();
    let mut terms = asked.depends_on.iter().map(|term| &term.value);
    let can_fail = terms.clone().any(|term| term.presence == Presence::Failure);
    let can_time_out = terms.any(|term| {
        let limits = [rules.of_wait(), rules.of_term(term)];
        let mut limits = limits.into_iter().flatten();
        limits.any(|limit| limit.then == Consequence::Fail)
    });
    let mut codes = Vec::new();
    if can_time_out {
        codes.push((124, "its wait timed out"));
    }
    if can_fail {
        codes.push((3, "a dependency failed"));
    }
    codes
}

/// Returns whether a rule of a `podFailurePolicy` is for this exit code of the container that
/// waits.
fn sees(rule: &Value, code: u64) -> bool {
    let Some(on) = rule.get("onExitCodes") else {
        return false;
    };
    let container = on.get("containerName").and_then(Value::as_str);
    if container.is_some_and(|name| name != CONTAINER) {
        return false;
    }
    let values = on.get("values").and_then(Value::as_array);
    let is_listed = values.is_some_and(|values| values.iter().any(|it| it.as_u64() == Some(code)));
    match on.get("operator").and_then(Value::as_str) {
        Some("In") => is_listed,
        Some("NotIn") => !is_listed,
        _ => false,
    }
}

fn ends_job(rule: &Value) -> bool {
    let action = rule.get("action").and_then(Value::as_str);
    matches!(action, Some("FailIndex" | "FailJob"))
}

/// A Job may vanish before anyone has seen how it ended.
fn ttl(member: &Member, places: &Places<'_>, part: &str) -> Option<Finding> {
    let pointer = format!("{part}/ttlSecondsAfterFinished");
    let seconds = places.value(&pointer)?.as_u64()?;
    let asked = &member.annotations;
    let signals = !asked.signals_on_success.is_empty() || !asked.signals_on_failure.is_empty();
    (signals && seconds < SHORTEST_TTL).then(|| Finding {
        severity: Severity::Warning,
        code: Code::JobLimit,
        message: format!(
            "the Job is deleted {seconds} s after its end: if no controller of oncue runs \
             meanwhile, its signals are lost: write {SHORTEST_TTL} or more"
        ),
        place: place(places, pointer),
    })
}

/// In seconds: longer than a controller is away while it is replaced.
const SHORTEST_TTL: u64 = 300;

fn place(places: &Places<'_>, pointer: String) -> Place {
    Place {
        object: places.object,
        pointer,
        part: Part::Value,
    }
}
