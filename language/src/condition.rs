//! Terms whose names are all known: what a server judges.

use std::{fmt, num::NonZeroU32};

use thiserror::Error;

use crate::{
    name::{Namespace, VariableKey},
    object::{ObjectKey, ObjectTerm, OnNode},
    template::{NameTemplate, Placeholder},
    term::{AtLeast, Demand, Presence, Target, Term},
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
                demand: demand.clone(),
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
            let text = name.literal().ok_or_else(|| Unresolved::of(name))?;
            Ok(text.into())
        };
        Ok(ObjectKey {
            namespace: self.namespace_in(own),
            kind: self.kind.clone(),
            which: self.which.try_map(literal)?,
            demand: self.demand.clone(),
            node: match &self.on_node {
                None => None,
                Some(OnNode::Named(name)) => Some(name.clone()),
                Some(OnNode::Own) => return Err(Unresolved::node(self)),
            },
        })
    }
}

fn variable_key(namespace: Namespace, name: &NameTemplate) -> Result<VariableKey, Unresolved> {
    let name = name.variable_name().ok_or_else(|| Unresolved::of(name))?;
    Ok(VariableKey { namespace, name })
}

/// A text that still has a placeholder.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{missing} in {text} is not filled in")]
pub struct Unresolved {
    text: String,
    missing: String,
}

impl Unresolved {
    fn of(name: &NameTemplate) -> Self {
        let placeholder = name.placeholders().next();
        Self {
            text: name.to_string(),
            missing: placeholder.map_or_else(String::new, Placeholder::to_string),
        }
    }

    fn node(object: &ObjectTerm) -> Self {
        Self {
            text: object.to_string(),
            missing: "the name of the node".to_owned(),
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
        for term in ["a/$(POD_NAME)", "a/$(POD_NAME)/*", "job:a-$(POD_NAME)"] {
            let term: Term = term.parse().unwrap();
            let error = term
                .condition(&Namespace::default())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("$(POD_NAME) in a"), "{error}");
            assert!(error.ends_with(" is not filled in"), "{error}");
        }
    }
}
