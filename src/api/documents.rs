//! The documents of what the store holds.

use oncue_language::VariableKey;
use oncue_wire as wire;

use crate::{
    life::Assertion,
    store::{Variable, WaiterInfo},
};

/// Returns the document of a variable with all its assertions.
pub(super) fn variable(variable: &Variable) -> wire::Variable {
    let VariableKey { namespace, name } = variable.key();
    let assertions = variable.assertions().iter();
    wire::Variable {
        namespace: namespace.clone(),
        name: name.clone(),
        assertions: assertions.map(|it| assertion(it)).collect(),
    }
}

/// Returns the document of one assertion.
pub(super) fn assertion(assertion: &Assertion) -> wire::Assertion {
    let Assertion {
        id,
        value,
        since,
        expires,
    } = assertion;
    wire::Assertion {
        owner: id.asserter.owner().cloned(),
        kind: id.kind,
        value: value.clone(),
        since: *since,
        expires: *expires,
    }
}

/// Returns the document of a waiter.
pub(super) fn waiter(WaiterInfo { who, conditions }: &WaiterInfo) -> wire::Waiter {
    wire::Waiter {
        pod: who.pod.as_deref().map(str::to_owned),
        namespace: who.namespace.clone(),
        since: who.since,
        terms: conditions.iter().map(ToString::to_string).collect(),
    }
}
