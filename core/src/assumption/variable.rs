//! Variables that are taken to exist.

use std::fmt;

use oncue_language::{
    Demand, Namespace, Owner, Presence, Signal, Target, Term, Value, ValueTemplate, VariableKey,
    VariableName,
};

use crate::{
    assertion::{Assertion, AssertionId, Timestamp},
    language::Kind,
    model::{ExistingSource, ExistingVariable},
};

/// Variables that are taken to exist: as many as a term about them needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssumedVariable {
    name: VariableName,
    what: What,
    /// Where it exists; the namespace of objects that name none, if it is not written.
    namespace: Option<Namespace>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum What {
    /// So many variables below the name.
    Below(u32),
    /// The variable itself: asserted by hand or, if owners are counted, by so many pods.
    Itself(Demand),
}

impl AssumedVariable {
    /// Reads what `text` takes to exist: no host has one of these characters.
    pub(super) fn read(text: &str) -> Option<Self> {
        if !text.contains(['/', '=', '@']) {
            return None;
        }
        signal(text).or_else(|| term(text))
    }

    /// Returns the assertions that make it true. `default` is the namespace if none is written.
    pub(super) fn existing(&self, default: &Namespace) -> Vec<ExistingVariable> {
        let namespace = self.namespace.as_ref().unwrap_or(default);
        let key = |name| VariableKey::new(namespace.clone(), name);
        let by_hand = || AssertionId {
            object: Some(self.to_string().into()),
            ..AssertionId::HAND
        };
        match &self.what {
            What::Below(count) => {
                let names = (1..=*count).filter_map(|number| self.below(number));
                names
                    .map(|name| asserted(key(name), by_hand(), None))
                    .collect()
            }
            What::Itself(Demand::Owners(count)) => {
                let owners = (1..=count.get()).map(|number| owner(namespace, number));
                let ids = owners.map(|owner| AssertionId::of(owner, Kind::Durable));
                ids.map(|id| asserted(key(self.name.clone()), id, None))
                    .collect()
            }
            What::Itself(Demand::Equals(value)) => {
                let value = Some(value.clone());
                vec![asserted(key(self.name.clone()), by_hand(), value)]
            }
            What::Itself(Demand::Exists) => {
                vec![asserted(key(self.name.clone()), by_hand(), None)]
            }
        }
    }

    fn below(&self, number: u32) -> Option<VariableName> {
        format!("{}/assumed-{number}", self.name).parse().ok()
    }
}

/// Prints it so that it can be told from a host, and a value from a namespace.
impl fmt::Display for AssumedVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            what,
            namespace,
        } = self;
        let at = namespace.as_ref().map(|it| format!("@{it}"));
        let at = at.unwrap_or_default();
        match what {
            What::Below(1) => write!(f, "{name}/*{at}"),
            What::Below(count) => write!(f, "{name}/*{at}>={count}"),
            What::Itself(demand @ Demand::Owners(_)) => write!(f, "{name}{at}{demand}"),
            What::Itself(Demand::Equals(value)) if value.as_str().contains('@') => {
                let value = value.as_str().replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "{name}=\"{value}\"{at}")
            }
            What::Itself(Demand::Equals(value)) => {
                write!(f, "{name}={}{at}", ValueTemplate::from(value.clone()))
            }
            What::Itself(Demand::Exists) => {
                let is_plain = at.is_empty() && !name.as_str().contains('/');
                write!(f, "{}{name}{at}", if is_plain { "/" } else { "" })
            }
        }
    }
}

/// Reads `name[=value][@namespace]`: an `@` in a value stands in quotes.
fn signal(text: &str) -> Option<AssumedVariable> {
    let split = text.rsplit_once('@').filter(|_| !text.ends_with('"'));
    let (signal, namespace) = match split {
        Some((signal, namespace)) => (signal, Some(namespace.parse().ok()?)),
        None => (text, None),
    };
    let signal: Signal = signal.parse().ok()?;
    let (name, value) = signal.literal()?;
    Some(AssumedVariable {
        name,
        what: What::Itself(value.map_or(Demand::Exists, Demand::Equals)),
        namespace,
    })
}

/// Reads a term with a value behind its namespace, or with a number.
fn term(text: &str) -> Option<AssumedVariable> {
    let Term {
        presence: Presence::Required,
        within: None,
        target,
    } = text.parse().ok()?
    else {
        return None;
    };
    let (name, what, namespace) = match target {
        Target::Below {
            prefix,
            at_least,
            namespace,
        } => (prefix, What::Below(at_least.get()), namespace),
        Target::Variable {
            name,
            demand: Demand::Equals(value),
            namespace: Some(namespace),
        } => {
            let demand = Demand::Equals(value.value()?);
            (name, What::Itself(demand), Some(namespace))
        }
        Target::Variable {
            name,
            demand: Demand::Owners(count),
            namespace,
        } => (name, What::Itself(Demand::Owners(count)), namespace),
        _ => return None,
    };
    Some(AssumedVariable {
        name: name.variable_name()?,
        what,
        namespace,
    })
    .filter(AssumedVariable::is_few)
}

impl AssumedVariable {
    /// Returns whether there is room for all of its assertions.
    fn is_few(&self) -> bool {
        match self.what {
            What::Below(count) => count <= MOST,
            What::Itself(Demand::Owners(count)) => count.get() <= MOST,
            What::Itself(Demand::Equals(_) | Demand::Exists) => true,
        }
    }
}

fn asserted(key: VariableKey, id: AssertionId, value: Option<Value>) -> ExistingVariable {
    ExistingVariable {
        key,
        assertion: Assertion {
            id,
            value,
            since: Timestamp::default(),
            expires: None,
        },
        source: ExistingSource::Assumption,
    }
}

/// Returns a pod that is nowhere but in an assumption.
fn owner(namespace: &Namespace, number: u32) -> Owner {
    let name = format!("assumed-{number}");
    Owner::pod(namespace.clone(), &*name, &*name)
}

/// The most variables or owners that one assumption stands for.
const MOST: u32 = 10_000;
