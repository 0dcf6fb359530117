//! What can change, as far as a condition asks.

use oncue_language::{Condition, Namespace, ObjectKey, Subject, VariableKey};

/// What a condition listens to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Topic {
    /// Everything below a name.
    Below(VariableKey),
    /// An object.
    Object(ObjectKey),
    /// Who may read a namespace.
    Readers(Namespace),
    /// A variable.
    Variable(VariableKey),
}

impl Topic {
    /// Returns what a condition listens to.
    pub fn of(condition: &Condition) -> Self {
        match &condition.subject {
            Subject::Below { prefix, .. } => Self::Below(prefix.clone()),
            Subject::Object(key) => Self::Object((**key).clone()),
            Subject::Variable { key, .. } => Self::Variable(key.clone()),
        }
    }
}

/// Returns what a change to the variable concerns: itself, and all that it lies below.
pub fn variable_topics(key: &VariableKey) -> impl Iterator<Item = Topic> {
    let above = key
        .name
        .ancestors()
        .map(|name| Topic::Below(VariableKey::new(key.namespace.clone(), name)));
    std::iter::once(Topic::Variable(key.clone())).chain(above)
}

/// Returns what a change to the object concerns.
pub fn object_topics(key: &ObjectKey) -> impl Iterator<Item = Topic> {
    std::iter::once(Topic::Object(key.clone()))
}
