//! Terms whose names are all known: what a server judges.

use std::{fmt, num::NonZeroU32};

use thiserror::Error;

use crate::{
    name::{Namespace, VariableKey},
    object::{ObjectKey, ObjectTerm, OnNode},
    template::{NameTemplate, Placeholder, ValueTemplate},
    term::{AtLeast, Demand, Presence, Target, Term},
    value::Value,
};

/// The most conditions that are judged together: a client asks for all of its own in one request.
pub const MAX_TOGETHER: usize = 256;

/// A term about variables or objects, with every name and namespace filled in.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Condition {
    /// Whether it must hold.
    pub presence: Presence,
    /// The variables or the objects that it is about.
    pub subject: Subject,
}

/// Prints the term with its namespace always said.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.presence, self.subject)
    }
}

impl Condition {
    /// Returns the same with an optional term as required. How long it is waited for is up to the
    /// one who asks: until it is given up, it counts like any other.
    #[must_use]
    pub fn counting(mut self) -> Self {
        if self.presence == Presence::Optional {
            self.presence = Presence::Required;
        }
        self
    }
}

/// What a condition is about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// At least so many variables below a name, at any depth.
    Below {
        /// The name above them.
        prefix: VariableKey,
        /// How many there must be.
        at_least: NonZeroU32,
    },
    /// Objects of the cluster.
    Object(Box<ObjectKey>),
    /// One variable.
    Variable {
        /// Which.
        key: VariableKey,
        /// What is asked of it.
        demand: Demand,
    },
}

impl Subject {
    /// Returns the namespace of the variables or objects; `None` for objects that live in none.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Below { prefix: key, .. } | Self::Variable { key, .. } => Some(&key.namespace),
            Self::Object(key) => key.namespace.as_ref(),
        }
    }
}

/// Prints the term with its namespace always said.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below { prefix, at_least } => {
                let VariableKey { namespace, name } = prefix;
                write!(f, "{name}/*@{namespace}{}", AtLeast(*at_least))
            }
            Self::Object(key) => write!(f, "{key}"),
            Self::Variable { key, demand } => write!(f, "{key}{demand}"),
        }
    }
}

impl Term {
    /// Returns what a server judges, with `namespace` if the term names none; `None` for a
    /// probe, which only the client can make.
    ///
    /// # Errors
    /// [`Unresolved`] where a placeholder is left.
    pub fn condition(&self, namespace: &Namespace) -> Result<Option<Condition>, Unresolved> {
        let or_own = |named: &Option<Namespace>| named.as_ref().unwrap_or(namespace).clone();
        let subject = match &self.target {
            Target::Below {
                prefix,
                namespace,
                at_least,
            } => Subject::Below {
                prefix: variable_key(or_own(namespace), prefix)?,
                at_least: *at_least,
            },
            Target::Object(object) => Subject::Object(Box::new(object.key(namespace)?)),
            Target::Variable {
                name,
                namespace,
                demand,
            } => Subject::Variable {
                key: variable_key(or_own(namespace), name)?,
                demand: demand.try_map(literal_value)?,
            },
            Target::Probe(_) => return Ok(None),
        };
        Ok(Some(Condition {
            presence: self.presence,
            subject,
        }))
    }
}

impl ObjectTerm {
    fn key(&self, own: &Namespace) -> Result<ObjectKey, Unresolved> {
        let literal = |name: &NameTemplate| {
            let text = name.literal();
            let text = text.ok_or_else(|| Unresolved::of(name, name.placeholders()))?;
            Ok(text.into())
        };
        Ok(ObjectKey {
            namespace: self.namespace_in(own),
            kind: self.kind.clone(),
            which: self.which.try_map(literal)?,
            demand: self.demand.try_map(literal_value)?,
            node: match &self.on_node {
                None => None,
                Some(OnNode::Named(name)) => Some(name.clone()),
                Some(OnNode::Own) => {
                    let term = self.to_string();
                    return Err(Unresolved::Node { term });
                }
            },
        })
    }
}

fn variable_key(namespace: Namespace, name: &NameTemplate) -> Result<VariableKey, Unresolved> {
    let name = name
        .variable_name()
        .ok_or_else(|| Unresolved::of(name, name.placeholders()))?;
    Ok(VariableKey { namespace, name })
}

fn literal_value(template: &ValueTemplate) -> Result<Value, Unresolved> {
    template
        .value()
        .ok_or_else(|| Unresolved::of(template, template.placeholders()))
}

/// A term of which something is not filled in.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unresolved {
    /// The name of the pod's own node.
    #[error("the node in {term} is not known: set NODE_NAME, or write on node=NAME")]
    Node {
        /// The term, as far as it is about objects.
        term: String,
    },
    /// A placeholder.
    #[error("{placeholder} in {text} is not filled in")]
    Placeholder {
        /// The first placeholder.
        placeholder: String,
        /// The name or value that has it.
        text: String,
    },
}

impl Unresolved {
    fn of<'p>(
        template: &impl fmt::Display,
        mut placeholders: impl Iterator<Item = &'p Placeholder>,
    ) -> Self {
        let placeholder = placeholders.next();
        Self::Placeholder {
            placeholder: placeholder.map_or_else(String::new, Placeholder::to_string),
            text: template.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_term_that_it_came_from_with_its_namespace() {
        let own = Namespace::default();
        for (written, printed) in [
            ("a/b", "a/b@default"),
            ("!a/b@other", "!a/b@other"),
            ("?a/b=v", "?a/b@default=v"),
            ("a/b>=3 within 5m", "a/b@default>=3"),
            ("a/*", "a/*@default"),
            ("a/*>=2", "a/*@default>=2"),
            ("job:m", "job:m@default"),
            ("node:n", "node:n"),
            ("pod:[b=c,a=b]>=2", "pod:[a=b,b=c]@default>=2"),
            (
                "pod:[a=b]@other{.a}=v on node=n",
                "pod:[a=b]@other{.a}=v on node=n",
            ),
            ("daemonset:x on node=n", "daemonset:x@default on node=n"),
            ("a=$$(POD_NAME)", "a@default=$$(POD_NAME)"),
            (
                "certificates.cert-manager.io:x=Ready",
                "certificates.cert-manager.io:x@default=Ready",
            ),
        ] {
            let term: Term = written.parse().unwrap();
            let condition = term.condition(&own).unwrap().unwrap();
            assert_eq!(condition.to_string(), printed);
            let again: Term = printed.parse().unwrap();
            assert_eq!(again.condition(&own), Ok(Some(condition)), "{printed}");
        }
    }

    #[test]
    fn a_probe_is_not_for_a_server() {
        let term: Term = "tcp://redis:6379".parse().unwrap();
        assert_eq!(term.condition(&Namespace::default()), Ok(None));
    }

    #[test]
    fn a_name_that_is_not_filled_in_is_named() {
        let error = |text: &str| {
            let term: Term = text.parse().unwrap();
            let error = term.condition(&Namespace::default()).unwrap_err();
            error.to_string()
        };
        for (term, expected) in [
            ("a/$(POD_NAME)", "$(POD_NAME) in a/$(POD_NAME)"),
            ("a/$(POD_NAME)/*", "$(POD_NAME) in a/$(POD_NAME)"),
            ("a=v$(POD_NAME)", "$(POD_NAME) in v$(POD_NAME)"),
            ("job:a-$(POD_NAME)", "$(POD_NAME) in a-$(POD_NAME)"),
            ("pod:[a=b$(POD_NAME)]", "$(POD_NAME) in b$(POD_NAME)"),
            ("pod:x{.a}=$(POD_NAME)", "$(POD_NAME) in $(POD_NAME)"),
        ] {
            assert_eq!(error(term), format!("{expected} is not filled in"));
        }
        assert_eq!(
            error("?daemonset:x on node"),
            "the node in daemonset:x on node is not known: set NODE_NAME, or write on node=NAME"
        );
    }
}
