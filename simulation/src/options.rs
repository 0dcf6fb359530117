//! What the command line changes: failures, pods that never start, and assumptions.

use std::{collections::BTreeSet, fmt, str::FromStr};

use oncue_language::{Namespace, ObjectKey, Subject, Term};
use thiserror::Error;

/// How a simulation differs from what the files say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Number of nodes.
    pub nodes: u32,
    /// Pods and workloads whose containers fail.
    pub fail: BTreeSet<String>,
    /// Pods and workloads whose own containers never start, as if their image could not be pulled.
    pub hold: BTreeSet<String>,
    /// What is true although it is not in the files.
    pub assumptions: Vec<Assumption>,
}

/// Something that is true although it is not in the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// A host that answers every probe.
    Host(String),
    /// What is asked of objects and holds, in any namespace and on any node: the key has neither.
    Object(Box<ObjectKey>),
}

impl Assumption {
    /// Returns the assumption that makes an object hold.
    pub(crate) fn of(key: &ObjectKey) -> Self {
        Self::Object(Box::new(ObjectKey {
            namespace: None,
            node: None,
            ..key.clone()
        }))
    }
}

/// Prints it as it is written.
impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Object(key) => write!(f, "{key}"),
        }
    }
}

impl FromStr for Assumption {
    type Err = AssumptionError;

    fn from_str(text: &str) -> Result<Self, AssumptionError> {
        let assumption = object(text).or_else(|| host(text).map(Self::Host));
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

/// A text that is not an assumption.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{text:?} is not an assumption: write a host such as redis.example.com, or an object as in a \
     term, such as certificates.cert-manager.io:web=Ready or job:migrate; a variable is signaled by \
     a pod of the files and cannot be assumed"
)]
pub struct AssumptionError {
    text: String,
}

/// A name of `--fail` or `--hold` that no workload or pod has.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{name:?} is neither a workload nor a pod of these files")]
pub struct UnknownName {
    pub(crate) name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assumption_is_a_host_or_an_object_as_in_a_term() {
        let host: Assumption = "redis.example.com".parse().unwrap();
        assert_eq!(host, Assumption::Host("redis.example.com".to_owned()));
        for (text, resource) in [
            (
                "certificates.cert-manager.io:web=Ready",
                "certificates.cert-manager.io",
            ),
            ("job:migrate", "job"),
            ("job:migrate=Suspended", "job"),
            ("pod:[app=db,tier=x]>=2", "pod"),
            ("node:n{.metadata.labels}", "node"),
        ] {
            let Assumption::Object(key) = text.parse().unwrap() else {
                panic!("{text}");
            };
            assert_eq!(key.kind.to_string(), resource);
            assert_eq!(text.parse::<Assumption>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_urls_and_halves_of_terms() {
        for bad in [
            "",
            "tcp://redis:6379",
            "redis:6379",
            "a b",
            "first/container",
            "first/container=up",
            "workers/*",
            "job:",
            "?job:migrate",
            "job:migrate@shop",
            "daemonset:cni on node",
            "daemonset:cni on node=n",
        ] {
            assert!(bad.parse::<Assumption>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn says_that_a_variable_cannot_be_assumed() {
        let error = "first/container".parse::<Assumption>().unwrap_err();
        let expected = "a variable is signaled by a pod of the files and cannot be assumed";
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}
