//! What is asked of an object.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{FieldPath, ObjectKind};
use crate::{name::is_name_character, syntax::Quoted};

/// What is asked of an object. `V` is a value, with or without placeholders.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ObjectDemand<V> {
    /// `=Ready`: its status condition of this type is True.
    Condition(ConditionType),
    /// `{.status.phase}`, with or without more: something of a field.
    Field {
        /// Where the field is.
        path: FieldPath,
        /// What is asked of it.
        demand: FieldDemand<V>,
    },
    /// The rule of its kind.
    Rule,
}

impl<V: fmt::Display> ObjectDemand<V> {
    /// Returns what an object of this kind is once it holds, to be read after its name.
    pub fn holds_when(&self, kind: &ObjectKind) -> String {
        match self {
            Self::Condition(condition) => format!("has the condition {condition}"),
            Self::Field { path, demand } => match demand {
                FieldDemand::AtLeast(number) => format!("has {path} of at least {number}"),
                FieldDemand::Equals(value) => format!("has {path} with the value {value}"),
                FieldDemand::IsSet => format!("has {path} set"),
            },
            Self::Rule => kind.holds_when().to_owned(),
        }
    }
}

impl<V> ObjectDemand<V> {
    /// Returns the value that a field must have.
    pub fn value(&self) -> Option<&V> {
        match self {
            Self::Field {
                demand: FieldDemand::Equals(value),
                ..
            } => Some(value),
            Self::Condition(_) | Self::Field { .. } | Self::Rule => None,
        }
    }

    /// Returns the same with the value changed.
    pub(crate) fn try_map<U, E>(
        &self,
        change: impl FnOnce(&V) -> Result<U, E>,
    ) -> Result<ObjectDemand<U>, E> {
        Ok(match self {
            Self::Condition(condition) => ObjectDemand::Condition(condition.clone()),
            Self::Field { path, demand } => ObjectDemand::Field {
                path: path.clone(),
                demand: match demand {
                    FieldDemand::AtLeast(number) => FieldDemand::AtLeast(*number),
                    FieldDemand::Equals(value) => FieldDemand::Equals(change(value)?),
                    FieldDemand::IsSet => FieldDemand::IsSet,
                },
            },
            Self::Rule => ObjectDemand::Rule,
        })
    }
}

impl<V: fmt::Display> fmt::Display for ObjectDemand<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(condition) => write!(f, "={condition}"),
            Self::Field { path, demand } => write!(f, "{path}{demand}"),
            Self::Rule => Ok(()),
        }
    }
}

/// What is asked of a field.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FieldDemand<V> {
    /// It is at least this number. Kubernetes' own fields hold whole numbers.
    AtLeast(i64),
    /// It has this value.
    Equals(V),
    /// It is there and not empty.
    IsSet,
}

impl<V: fmt::Display> fmt::Display for FieldDemand<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(number) => write!(f, ">={number}"),
            Self::Equals(value) => write!(f, "={value}"),
            Self::IsSet => Ok(()),
        }
    }
}

/// The type of a status condition: `Ready`, `example.com/Synced`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConditionType(Box<str>);

impl ConditionType {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConditionType {
    type Err = ConditionTypeError;

    fn from_str(text: &str) -> Result<Self, ConditionTypeError> {
        let is_right = |c: char| is_name_character(c) || c == '/';
        match text.len() {
            0 => Err(ConditionTypeError::Empty),
            1..=MAX_BYTES if text.chars().all(is_right) => Ok(Self(text.into())),
            _ => {
                let text = text.to_owned();
                Err(ConditionTypeError::Text { text })
            }
        }
    }
}

/// Longest type of a condition that Kubernetes accepts, in bytes.
const MAX_BYTES: usize = 316;

/// A text that is not the type of a condition.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ConditionTypeError {
    /// There is no text.
    #[error("the type of a status condition is missing, such as Ready")]
    Empty,
    /// A character that no type has, or too many of them.
    #[error(
        "{} is not the type of a status condition: that has A-Z a-z 0-9 . _ - / only, such as Ready",
        Quoted(.text)
    )]
    Text {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_condition_is_one_of_kubernetes() {
        let longest = "x".repeat(316);
        for text in ["Ready", "example.com/Synced", "a-b_c", &longest] {
            assert_eq!(text.parse::<ConditionType>().unwrap().as_str(), text);
        }
        for (text, rule) in [
            ("", "is missing"),
            ("a b", "is not the type"),
            ("a=b", "is not the type"),
            (&format!("{longest}x"), "is not the type"),
        ] {
            let error = text.parse::<ConditionType>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
    }
}
