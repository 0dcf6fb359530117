//! The documents of what the store holds.

use std::sync::Arc;

use oncue_language::VariableKey;
use oncue_wire as wire;

use crate::{life::Assertion, store::WaiterInfo};

/// Returns the documents of the variables to which `assertions` belong, which are in order.
pub(super) fn variables(assertions: &[(VariableKey, Arc<Assertion>)]) -> Vec<wire::Variable> {
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
