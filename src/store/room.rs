//! Carries out mutations as far as there is room for what they make.

use super::{
    Mutation, Step,
    variables::{self, Variables},
};
use crate::memory::{Budget, ByteSize, Exhausted};

/// Returns what `mutation` does to `variables`, if there is room for it.
///
/// What makes nothing more of them is always possible, even beyond the budget: a file may hold
/// more than today's limit allows.
pub(super) fn decide(
    mutation: &Mutation,
    variables: &Variables,
    budget: Budget,
) -> Result<Step, Exhausted> {
    let step = mutation.decide(variables);
    let growth = variables::growth(variables, &step.updates);
    let namespace = &mutation.key.namespace;
    let exhausted = |namespace, limit| Exhausted {
        name: "variables",
        namespace,
        limit: ByteSize(limit),
    };
    if growth == 0 {
        Ok(step)
    } else if variables.bytes() + growth > budget.total {
        Err(exhausted(None, budget.total))
    } else if variables.bytes_in(namespace) + growth > budget.per_namespace {
        Err(exhausted(Some(namespace.clone()), budget.per_namespace))
    } else {
        Ok(step)
    }
}
