//! A variable that exists whatever the members do.

use std::{collections::BTreeMap, fmt};

use super::{Member, MemberKind};
use crate::{
    assertion::Assertion,
    language::{Located, PodAnnotations, Signal, TextPosition, ValueTemplate, VariableKey},
    workload::Scale,
};

/// A variable that exists whatever the members do: a Signal among the objects asserts it, or it is
/// assumed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExistingVariable {
    /// The variable.
    pub key: VariableKey,
    /// What asserts it.
    pub assertion: Assertion,
    /// Where the assertion comes from.
    pub source: ExistingSource,
}

/// Where the assertion of an existing variable comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExistingSource {
    /// The command line.
    Assumption,
    /// The Signal of this name.
    Signal(Box<str>),
}

impl ExistingVariable {
    fn signal(&self) -> Signal {
        Signal {
            name: self.key.name.clone().into(),
            value: self.assertion.value.clone().map(ValueTemplate::from),
        }
    }
}

/// Prints what people call it: `Signal/first` or `the assumption a/b=v`.
impl fmt::Display for ExistingVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            ExistingSource::Assumption => write!(f, "the assumption {}", self.signal()),
            ExistingSource::Signal(name) => write!(f, "Signal/{name}"),
        }
    }
}

/// A member without pods, which signals the variable and waits for nothing.
impl From<&ExistingVariable> for Member {
    fn from(variable: &ExistingVariable) -> Self {
        let signal = Located {
            value: variable.signal(),
            at: TextPosition::of("", 0),
        };
        Self {
            kind: MemberKind::Existing(Box::new(variable.assertion.id.asserter.clone())),
            namespace: variable.key.namespace.clone(),
            name: variable.to_string().into(),
            controllers: Vec::new(),
            labels: BTreeMap::new(),
            scale: Scale::ONE,
            annotations: PodAnnotations {
                signals: vec![signal],
                ..PodAnnotations::default()
            },
        }
    }
}
