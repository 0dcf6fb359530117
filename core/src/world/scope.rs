//! Which variables are listed or watched.

use oncue_language::{Namespace, VariableKey, VariableName};

use super::Variable;

/// Which variables are listed or watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// The namespace, or `None` for all.
    pub namespace: Option<Namespace>,
    /// The name with everything below it, or `None` for all names.
    pub prefix: Option<VariableName>,
}

impl Scope {
    /// Returns whether `variable` is listed.
    pub fn contains(&self, variable: &Variable) -> bool {
        let Self { namespace, prefix } = self;
        let VariableKey {
            namespace: own,
            name,
        } = variable.key();
        namespace.as_ref().is_none_or(|namespace| own == namespace)
            && prefix
                .as_ref()
                .is_none_or(|prefix| name == prefix || name.is_below(prefix))
    }
}
