//! One variable that a pod or a Job signals.

use oncue_language::{Facts, Signal, Value, VariableName, template::ResolveError};

/// One variable that a pod or a Job signals, with every placeholder filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeclaredSignal {
    /// The variable's name; its namespace is that of the pod.
    pub name: VariableName,
    /// The value that the assertion carries.
    pub value: Option<Value>,
}

impl DeclaredSignal {
    /// Fills in `signal`; returns `None` while `facts` does not know everything in it.
    ///
    /// # Errors
    /// [`ResolveError`] if a substitution is empty, or the result is not a name or too long a value.
    pub fn resolve(signal: &Signal, facts: &Facts<'_>) -> Result<Option<Self>, ResolveError> {
        let literal = signal.resolve(facts)?.literal();
        Ok(literal.map(|(name, value)| Self { name, value }))
    }
}
