//! What is taken to be true although no object says so.

mod variable;

use std::{fmt, str::FromStr};

use oncue_language::{Namespace, ObjectKey, Subject, Target, Term, object::OnNode};
use thiserror::Error;

pub use self::variable::AssumedVariable;
use crate::model::ExistingVariable;

/// Something that is true although it is not in the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// A host that answers every probe.
    Host(String),
    /// What is asked of objects and holds, in any namespace and on any node: the key has neither.
    Object(Box<ObjectKey>),
    /// Variables that exist, for good.
    Variable(Box<AssumedVariable>),
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

    /// Returns the variables that exist by this assumption, one for each assertion of one.
    /// `default` is the namespace of those without a namespace.
    pub fn variables(&self, default: &Namespace) -> Vec<ExistingVariable> {
        match self {
            Self::Host(_) | Self::Object(_) => Vec::new(),
            Self::Variable(variable) => variable.existing(default),
        }
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

impl FromStr for Assumption {
    type Err = AssumptionError;

    fn from_str(text: &str) -> Result<Self, AssumptionError> {
        let assumption = object(text)
            .or_else(|| AssumedVariable::read(text).map(|it| Self::Variable(Box::new(it))))
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
     (with a slash, so that it is no host), several as in a term, such as workers/*>=3, a host such \
     as redis.example.com, or an object as in a term, such as \
     certificates.cert-manager.io:web=Ready or job:migrate"
)]
pub struct AssumptionError {
    text: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use oncue_language::Value;

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
            ("workers/*", "variable", "workers/*"),
            ("workers/*>=3", "variable", "workers/*>=3"),
            ("workers/*@shop>=3", "variable", "workers/*@shop>=3"),
            ("a/b>=2", "variable", "a/b>=2"),
            ("a/b@shop>=2", "variable", "a/b@shop>=2"),
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
            let [variable] = &*assumption.variables(&"here".parse().unwrap()) else {
                panic!("{text} is one variable");
            };
            assert_eq!(variable.key.to_string(), key, "{text}");
            let read = variable.assertion.value.as_ref().map(Value::as_str);
            assert_eq!(read, value, "{text}");
        }
    }

    #[test]
    fn a_number_stands_for_as_many_variables_or_owners() {
        for (text, keys, asserters) in [
            ("a/*", vec!["a/assumed-1@here"], 1),
            (
                "a/*@shop>=2",
                vec!["a/assumed-1@shop", "a/assumed-2@shop"],
                1,
            ),
            ("a/b>=2", vec!["a/b@here", "a/b@here"], 2),
        ] {
            let assumption: Assumption = text.parse().unwrap();
            let variables = assumption.variables(&"here".parse().unwrap());
            let found: Vec<_> = variables.iter().map(|it| it.key.to_string()).collect();
            assert_eq!(found, keys, "{text}");
            let found = variables.iter().map(|it| &it.assertion.id.asserter);
            assert_eq!(found.collect::<HashSet<_>>().len(), asserters, "{text}");
        }
    }

    #[test]
    fn refuses_urls_and_halves_of_terms() {
        for bad in [
            "",
            "tcp://redis:6379",
            "redis:6379",
            "a b",
            "workers/*>=10001",
            "?workers/*",
            "a/b>=2 within 5m",
            "a/$(POD_NAME)/*",
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
