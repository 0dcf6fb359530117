//! One variable that a pod or a Job signals.

use oncue_language::{Facts, Signal, Value, VariableName, template::ResolveError};

/// One variable that a pod or a Job signals, with every name filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeclaredSignal {
    /// The variable's name; its namespace is that of the pod.
    pub name: VariableName,
    /// The value that the assertion carries.
    pub value: Option<Value>,
}

impl DeclaredSignal {
    /// Fills in `signal`; returns `None` while `facts` does not know everything in its name.
    ///
    /// # Errors
    /// [`ResolveError`] if a substitution is empty or the result is not a name.
    pub fn resolve(signal: &Signal, facts: &Facts<'_>) -> Result<Option<Self>, ResolveError> {
        let Signal { name, value } = signal.resolve(facts)?;
        Ok(name.variable_name().map(|name| Self { name, value }))
    }
}
