//! Carries out mutations within the memory budget.

use super::{
    Mutation, Step,
    variables::{self, Variables},
};
use crate::memory::{Budget, ByteSize, Exhausted};

/// Returns the effect of `mutation` on `variables` if it is within the budget.
///
/// A mutation that takes no additional memory is always possible, even beyond the budget: a file
/// may hold more than today's limit allows.
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
