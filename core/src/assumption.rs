//! What is taken to be true although no object says so.

use std::{fmt, str::FromStr};

use oncue_language::{
    Demand, Namespace, ObjectKey, Presence, Signal, Subject, Target, Term, Value, ValueTemplate,
    VariableKey, VariableName, object::OnNode,
};
use thiserror::Error;

use crate::{
    assertion::{Assertion, AssertionId, Timestamp},
    model::{ExistingSource, ExistingVariable},
};

/// Something that is true although it is not in the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// A host that answers every probe.
    Host(String),
    /// What is asked of objects and holds, in any namespace and on any node: the key has neither.
    Object(Box<ObjectKey>),
    /// A variable that exists: asserted by hand, for good.
    Variable(Box<AssumedVariable>),
}

/// A variable that is taken to exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssumedVariable {
    name: VariableName,
    value: Option<Value>,
    /// Where it exists; the namespace of objects that name none, if it is not written.
    namespace: Option<Namespace>,
}

impl Assumption {
    /// Returns the assumption that makes an object hold.
    pub fn of(key: &ObjectKey) -> Self {
        Self::Object(Box::new(ObjectKey {
            namespace: None,
            node: None,
            ..key.clone()
        }))
    }

    /// Returns the variable that exists by this assumption, if it is one about a variable.
    /// `default` is the namespace of one without a namespace.
    pub fn variable(&self, default: &Namespace) -> Option<ExistingVariable> {
        let Self::Variable(variable) = self else {
            return None;
        };
        let AssumedVariable {
            name,
            value,
            namespace,
        } = &**variable;
        let namespace = namespace.as_ref().unwrap_or(default).clone();
        Some(ExistingVariable {
            key: VariableKey::new(namespace, name.clone()),
            assertion: Assertion {
                id: AssertionId {
                    object: Some(self.to_string().into()),
                    ..AssertionId::HAND
                },
                value: value.clone(),
                since: Timestamp::default(),
                expires: None,
            },
            source: ExistingSource::Assumption,
        })
    }
}

/// Prints it as it is written.
impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Object(key) => write!(f, "{key}"),
            Self::Variable(variable) => variable.fmt(f),
        }
    }
}

/// Prints it so that it can be told from a host, and a value from a namespace.
impl fmt::Display for AssumedVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            namespace,
        } = self;
        let is_plain = value.is_none() && namespace.is_none() && !name.as_str().contains('/');
        write!(f, "{}{name}", if is_plain { "/" } else { "" })?;
        match value {
            Some(value) if value.as_str().contains('@') => {
                let value = value.as_str().replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "=\"{value}\"")?;
            }
            Some(value) => write!(f, "={}", ValueTemplate::from(value.clone()))?,
            None => {}
        }
        match namespace {
            Some(namespace) => write!(f, "@{namespace}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Assumption {
    type Err = AssumptionError;

    fn from_str(text: &str) -> Result<Self, AssumptionError> {
        let assumption = object(text)
            .or_else(|| variable(text))
            .or_else(|| host(text).map(Self::Host));
        assumption.ok_or_else(|| AssumptionError {
            text: text.to_owned(),
        })
    }
}

/// Returns what `text` asks of objects, if it says nothing else.
fn object(text: &str) -> Option<Assumption> {
    let term: Term = text.parse().ok()?;
    match term.condition(&Namespace::default()).ok()??.subject {
        Subject::Object(key) => {
            Some(Assumption::of(&key)).filter(|object| object.to_string() == text)
        }
        Subject::Below { .. } | Subject::Variable { .. } => None,
    }
}

/// Returns the variable that `text` names: no host has one of these characters.
fn variable(text: &str) -> Option<Assumption> {
    if !text.contains(['/', '=', '@']) {
        return None;
    }
    let variable = signal(text).or_else(|| term(text))?;
    Some(Assumption::Variable(Box::new(variable)))
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
        value,
        namespace,
    })
}

/// Reads `name[@namespace][=value]`, as a term has it.
fn term(text: &str) -> Option<AssumedVariable> {
    let Term {
        presence: Presence::Required,
        within: None,
        target:
            Target::Variable {
                name,
                namespace: Some(namespace),
                demand: Demand::Equals(value),
            },
    } = text.parse().ok()?
    else {
        return None;
    };
    Some(AssumedVariable {
        name: name.variable_name()?,
        value: Some(value.value()?),
        namespace: Some(namespace),
    })
}

/// Returns the host that a probe of `text` would ask.
fn host(text: &str) -> Option<String> {
    let probe: Term = format!("tcp://{text}:1").parse().ok()?;
    Some(probe.probe()?.host.to_string())
}

/// Returns what `term` asks of an object, on any node; `None` if it asks for something else, or a
/// name is not known. `own` is the namespace of the pod.
///
/// The node of a pod is not known before the pod is scheduled, and an assumption holds on any node.
pub fn asked_object(term: &Term, own: &Namespace) -> Option<ObjectKey> {
    let mut term = term.clone();
    if let Target::Object(object) = &mut term.target
        && object.on_node == Some(OnNode::Own)
    {
        object.on_node = None;
    }
    match term.condition(own).ok().flatten()?.subject {
        Subject::Object(key) => Some(ObjectKey { node: None, ..*key }),
        Subject::Below { .. } | Subject::Variable { .. } => None,
    }
}

/// A text that is not an assumption.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{text:?} is not an assumption: write a variable such as first/container, a/b=v@shop or /ready \
     (with a slash, so that it is no host), a host such as redis.example.com, or an object as in a \
     term, such as certificates.cert-manager.io:web=Ready or job:migrate"
)]
pub struct AssumptionError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what an assumption is about, and how it is printed.
    fn read(text: &str) -> Result<(&'static str, String), AssumptionError> {
        let assumption: Assumption = text.parse()?;
        let what = match assumption {
            Assumption::Host(_) => "host",
            Assumption::Object(_) => "object",
            Assumption::Variable(_) => "variable",
        };
        Ok((what, assumption.to_string()))
    }

    #[test]
    fn no_text_is_both_a_host_and_a_variable() {
        for (text, what, printed) in [
            ("redis.example.com", "host", "redis.example.com"),
            ("ready", "host", "ready"),
            ("/ready", "variable", "/ready"),
            ("ready=1", "variable", "ready=1"),
            ("ready@shop", "variable", "ready@shop"),
            ("first/container", "variable", "first/container"),
            ("first//container/", "variable", "first/container"),
            ("a/b=v@shop", "variable", "a/b=v@shop"),
            ("a/b@shop=v", "variable", "a/b=v@shop"),
            ("a/b@shop=\"v w\"", "variable", "a/b=\"v w\"@shop"),
            ("a/b=\"v@shop\"", "variable", "a/b=\"v@shop\""),
            ("a/b=\"\\\"@\"@shop", "variable", "a/b=\"\\\"@\"@shop"),
            ("job:migrate", "object", "job:migrate"),
            ("job:migrate=Suspended", "object", "job:migrate=Suspended"),
            ("pod:[app=db,tier=x]>=2", "object", "pod:[app=db,tier=x]>=2"),
            (
                "node:n{.metadata.labels}",
                "object",
                "node:n{.metadata.labels}",
            ),
            (
                "certificates.cert-manager.io:web=Ready",
                "object",
                "certificates.cert-manager.io:web=Ready",
            ),
        ] {
            assert_eq!(read(text), Ok((what, printed.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_variable_exists_in_its_namespace_or_else_in_that_of_the_command() {
        for (text, key, value) in [
            ("a/b", "a/b@here", None),
            ("a/b=v", "a/b@here", Some("v")),
            ("a/b=v@shop", "a/b@shop", Some("v")),
        ] {
            let assumption: Assumption = text.parse().unwrap();
            let variable = assumption.variable(&"here".parse().unwrap()).unwrap();
            assert_eq!(variable.key.to_string(), key, "{text}");
            let read = variable.assertion.value.as_ref().map(Value::as_str);
            assert_eq!(read, value, "{text}");
        }
    }

    #[test]
    fn refuses_urls_and_halves_of_terms() {
        for bad in [
            "",
            "tcp://redis:6379",
            "redis:6379",
            "a b",
            "workers/*",
            "a/b>=2",
            "!a/b",
            "?a/b@shop=v",
            "a/b within 5m",
            "a/b=v@Shop",
            "a/b@Shop=v",
            "a/$(POD_NAME)",
            "a/../b",
            "job:",
            "?job:migrate",
            "job:migrate@shop",
            "daemonset:cni on node",
            "daemonset:cni on node=n",
        ] {
            assert!(bad.parse::<Assumption>().is_err(), "{bad:?}");
        }
    }
}
