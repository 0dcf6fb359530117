//! What a change moves, as far as a condition can depend on it.

use oncue_language::{Namespace, ObjectKey, Value, VariableKey};

use super::prefixes::Moved;

/// Something that conditions are judged by, and that has moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shift {
    /// How many variables lie below a name, or when the newest of them was asserted.
    Below {
        /// The name.
        prefix: VariableKey,
        /// How many there were.
        before: usize,
        /// How many there are.
        after: usize,
    },
    /// The state of an object.
    Object(ObjectKey),
    /// How many owners assert a variable, or how or when they did.
    Owners {
        /// The variable.
        key: VariableKey,
        /// How many did.
        before: usize,
        /// How many do.
        after: usize,
    },
    /// Who may read a namespace.
    Readers(Namespace),
    /// Whether a variable has a value.
    Value {
        /// The variable.
        key: VariableKey,
        /// The value.
        value: Value,
    },
}

impl Shift {
    pub(super) fn counts(
        key: &VariableKey,
        (before, after): (usize, usize),
        moved: &[Moved],
    ) -> Vec<Self> {
        let owners = Self::Owners {
            key: key.clone(),
            before,
            after,
        };
        let below = moved.iter().map(|it| Self::Below {
            prefix: it.prefix.clone(),
            before: it.before,
            after: it.after,
        });
        std::iter::once(owners).chain(below).collect()
    }

    pub(super) fn value(key: &VariableKey, value: Value) -> Self {
        Self::Value {
            key: key.clone(),
            value,
        }
    }
}
