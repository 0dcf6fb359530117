//! The documents of what the store holds.

use std::sync::Arc;

use oncue_language::{Condition, Presence, Reason, State, VariableKey, Verdict};
use oncue_wire as wire;

use crate::{
    life::Assertion,
    store::{Answer, Change, ChangeKind, WaiterInfo},
};

/// Returns the documents of the variables to which `assertions` belong, which are in order.
pub(crate) fn variables(assertions: &[(VariableKey, Arc<Assertion>)]) -> Vec<wire::Variable> {
    let variables = assertions.chunk_by(|(a, _), (b, _)| a == b);
    let variable = |assertions: &[(VariableKey, Arc<Assertion>)]| {
        let (key, _) = assertions.first()?;
        Some(wire::Variable {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            assertions: assertions.iter().map(|(_, it)| assertion(it)).collect(),
        })
    };
    variables.filter_map(variable).collect()
}

/// Returns the document of one assertion.
pub(crate) fn assertion(assertion: &Assertion) -> wire::Assertion {
    let Assertion {
        id,
        value,
        since,
        expires,
    } = assertion;
    wire::Assertion {
        owner: id.asserter.owner().cloned(),
        kind: id.kind,
        object: id.object.clone(),
        value: value.clone(),
        since: *since,
        expires: *expires,
    }
}

/// Returns the document of a change.
pub(super) fn event(change: Change) -> wire::Event {
    let Change {
        kind,
        revision,
        key,
        assertion: changed,
    } = change;
    let change = wire::Change {
        revision: revision.to_string(),
        namespace: key.namespace,
        name: key.name,
        assertion: assertion(&changed),
    };
    match kind {
        ChangeKind::Added => wire::Event::Added(change),
        ChangeKind::Deleted => wire::Event::Deleted(change),
        ChangeKind::Modified => wire::Event::Modified(change),
    }
}

/// Returns the documents of the terms of an answer, without its nudges.
pub(super) fn judged(answer: &Answer) -> Vec<wire::JudgedTerm> {
    let terms = answer.conditions.iter().zip(&answer.terms);
    let terms = terms.filter(|(condition, _)| condition.presence != Presence::Optional);
    terms
        .map(|(condition, verdict)| term(condition, verdict))
        .collect()
}

/// Returns the document of a term with the verdict on it.
pub(crate) fn term(condition: &Condition, verdict: &Verdict) -> wire::JudgedTerm {
    wire::JudgedTerm {
        term: condition.to_string(),
        state: State::of(verdict),
        reason: verdict.reason().map(Reason::to_string),
    }
}

/// Returns the document of a waiter.
pub(super) fn waiter(
    WaiterInfo { who, .. }: &WaiterInfo,
    terms: Vec<wire::JudgedTerm>,
) -> wire::Waiter {
    wire::Waiter {
        pod: who.pod.as_deref().map(str::to_owned),
        namespace: who.namespace.clone(),
        since: who.since,
        terms,
    }
}
