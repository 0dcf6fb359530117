//! The changes that can flip a condition's state.

use std::ops::RangeInclusive;

use oncue_language::{
    Condition, Demand, Grace, Namespace, ObjectKey, Presence, Subject, Value, VariableKey,
};

use crate::world::Shift;

/// A change that can flip the state of a condition. The number 0 is crossed by every change, also
/// if only the moments of assertions change.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Trigger {
    /// The number of variables below a name crosses this number.
    Below(VariableKey, u32),
    /// An object changes.
    Object(Box<ObjectKey>),
    /// The number of owners of a variable crosses this number.
    Owners(VariableKey, u32),
    /// Another namespace may read this one from now on, or no longer.
    Readers(Namespace),
    /// A variable gets or loses a value.
    Value(VariableKey, Value),
}

impl Trigger {
    /// Returns the change that flips the condition.
    pub(super) fn of(condition: &Condition, grace: Grace) -> Self {
        // A failure that counts may come beside earlier ones that do not.
        let is_any = grace != Grace::Over && condition.presence == Presence::Failure;
        match &condition.subject {
            Subject::Below { prefix, .. } if is_any => Self::Below(prefix.clone(), 0),
            Subject::Variable { key, .. } if is_any => Self::Owners(key.clone(), 0),
            Subject::Below { prefix, at_least } => Self::Below(prefix.clone(), at_least.get()),
            Subject::Object(key) => Self::Object(key.clone()),
            Subject::Variable { key, demand } => match demand {
                Demand::Equals(value) => Self::Value(key.clone(), value.clone()),
                Demand::Exists => Self::Owners(key.clone(), 1),
                Demand::Owners(want) => Self::Owners(key.clone(), want.get()),
            },
        }
    }

    /// Returns the triggers that the shift activates, as ranges.
    pub(super) fn pulled_by(shift: &Shift) -> Vec<RangeInclusive<Self>> {
        match shift {
            Shift::Below {
                prefix,
                before,
                after,
            } => crossed(*before, *after, |number| {
                Self::Below(prefix.clone(), number)
            }),
            Shift::Object(key) => {
                let object = Self::Object(Box::new(key.clone()));
                vec![object.clone()..=object]
            }
            Shift::Owners { key, before, after } => {
                crossed(*before, *after, |number| Self::Owners(key.clone(), number))
            }
            Shift::Readers(namespace) => {
                let readers = Self::Readers(namespace.clone());
                vec![readers.clone()..=readers]
            }
            Shift::Value { key, value } => {
                let value = Self::Value(key.clone(), value.clone());
                vec![value.clone()..=value]
            }
        }
    }
}

/// Returns 0, and the numbers that a count reaches, or no longer reaches, if it changes.
fn crossed(
    before: usize,
    after: usize,
    trigger: impl Fn(u32) -> Trigger,
) -> Vec<RangeInclusive<Trigger>> {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (least, most) = (before.min(after), before.max(after));
    let reached = (least < most).then(|| trigger(number(least + 1))..=trigger(number(most)));
    let any = trigger(0)..=trigger(0);
    std::iter::once(any).chain(reached).collect()
}
