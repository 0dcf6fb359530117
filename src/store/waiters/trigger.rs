//! The changes that can flip a condition's state.

use std::ops::RangeInclusive;

use oncue_language::{Condition, Demand, ObjectKey, Subject, Value, VariableKey};

use crate::world::Shift;

/// A change that flips the state of a condition.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Trigger {
    /// The number of variables below a name crosses this number.
    Below(VariableKey, u32),
    /// An object changes.
    Object(Box<ObjectKey>),
    /// The number of owners of a variable crosses this number.
    Owners(VariableKey, u32),
    /// A variable gets or loses a value.
    Value(VariableKey, Value),
}

impl Trigger {
    /// Returns the change that flips the condition.
    pub(super) fn of(condition: &Condition) -> Self {
        match &condition.subject {
            Subject::Below { prefix, at_least } => Self::Below(prefix.clone(), at_least.get()),
            Subject::Object(key) => Self::Object(key.clone()),
            Subject::Variable { key, demand } => match demand {
                Demand::Equals(value) => Self::Value(key.clone(), value.clone()),
                Demand::Exists => Self::Owners(key.clone(), 1),
                Demand::Owners(want) => Self::Owners(key.clone(), want.get()),
            },
        }
    }

    /// Returns the triggers that the shift activates, as one range.
    pub(super) fn pulled_by(shift: &Shift) -> RangeInclusive<Self> {
        match shift {
            Shift::Below {
                prefix,
                before,
                after,
            } => {
                let (first, last) = crossed(*before, *after);
                Self::Below(prefix.clone(), first)..=Self::Below(prefix.clone(), last)
            }
            Shift::Object(key) => {
                let object = Self::Object(Box::new(key.clone()));
                object.clone()..=object
            }
            Shift::Owners { key, before, after } => {
                let (first, last) = crossed(*before, *after);
                Self::Owners(key.clone(), first)..=Self::Owners(key.clone(), last)
            }
            Shift::Value { key, value } => {
                let value = Self::Value(key.clone(), value.clone());
                value.clone()..=value
            }
        }
    }
}

/// Returns the first and the last number that a count reaches, or no longer reaches.
fn crossed(before: usize, after: usize) -> (u32, u32) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (least, most) = (before.min(after), before.max(after));
    (number(least + 1), number(most))
}
