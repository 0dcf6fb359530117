//! One term of `depends-on`, as a person writes it.

mod parse;

use std::{fmt, num::NonZeroU32, str::FromStr};

use crate::{
    name::Namespace,
    object::{ObjectTerm, OnNode},
    syntax::{self, Located, SyntaxError},
    template::{Facts, NameTemplate, Placeholder, ResolveError, ValueTemplate},
    timeout::Timeout,
    value::{Value, write_word},
};

/// How long an optional term without `within` is waited for.
pub const OPTIONAL_TIMEOUT: Timeout = Timeout::from_secs(30);

/// One term of `depends-on`:
/// `[?|!] target [@namespace] [{path}] [=value | >=count] [on node] [within duration]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Term {
    /// Whether it must hold, may hold, or must not.
    pub presence: Presence,
    /// The variables or the objects that it is about.
    pub target: Target,
    /// Its own timeout, as written.
    pub within: Option<Timeout>,
}

impl Term {
    /// Returns all terms of the value of a `depends-on` annotation, in their order.
    pub fn parse_list(text: &str) -> Result<Vec<Located<Self>>, SyntaxError> {
        syntax::parse_list(text, parse::term)
    }

    /// Returns the term's own timeout: `within`, or 30 s if it is optional.
    pub fn timeout(&self) -> Option<Timeout> {
        match self.presence {
            Presence::Optional => Some(self.within.unwrap_or(OPTIONAL_TIMEOUT)),
            Presence::Failure | Presence::Required => self.within,
        }
    }

    /// Returns the probe that the client makes itself; `None` if the server judges the term.
    pub fn probe(&self) -> Option<&Probe> {
        match &self.target {
            Target::Probe(probe) => Some(probe),
            Target::Below { .. } | Target::Object(_) | Target::Variable { .. } => None,
        }
    }

    /// Returns the placeholders that are left in it.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let (name, value, object) = match &self.target {
            Target::Below { prefix, .. } => (Some(prefix), None, None),
            Target::Object(object) => (None, None, Some(object)),
            Target::Probe(_) => (None, None, None),
            Target::Variable { name, demand, .. } => (Some(name), demand.value(), None),
        };
        let in_name = name.into_iter().flat_map(NameTemplate::placeholders);
        let in_value = value.into_iter().flat_map(ValueTemplate::placeholders);
        let in_object = object.into_iter().flat_map(|object| object.placeholders());
        in_name.chain(in_value).chain(in_object)
    }

    /// Returns whether it takes the name of the pod's own node to fill it in.
    pub fn needs_node(&self) -> bool {
        let is_on_own = matches!(
            &self.target,
            Target::Object(object) if object.on_node == Some(OnNode::Own)
        );
        is_on_own || self.placeholders().any(|it| *it == Placeholder::NodeName)
    }

    /// Fills in what `facts` knows of it.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        let mut resolved = self.clone();
        match &mut resolved.target {
            Target::Below { prefix: name, .. } => *name = name.resolve(facts)?,
            Target::Object(object) => **object = object.resolve(facts)?,
            Target::Probe(_) => {}
            Target::Variable { name, demand, .. } => {
                *name = name.resolve(facts)?;
                *demand = demand.try_map(|value| value.resolve(facts))?;
            }
        }
        Ok(resolved)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.presence, self.target)?;
        match self.within {
            Some(within) => write!(f, " within {within}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Term {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_single(text, parse::term)
    }
}

/// Whether a term must hold.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Presence {
    /// `!`: if the variable exists (the Job failed), waiting fails at once.
    Failure,
    /// `?`: waited for up to its own timeout, then given up with a warning.
    Optional,
    /// It must hold.
    Required,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failure => "!",
            Self::Optional => "?",
            Self::Required => "",
        })
    }
}

/// What a term is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// `a/*>=3`: variables below a name, at any depth.
    Below {
        /// The name above them.
        prefix: NameTemplate,
        /// Where they live; the pod's own namespace if it is not written.
        namespace: Option<Namespace>,
        /// How many there must be.
        at_least: NonZeroU32,
    },
    /// `job:x`, `certificates.cert-manager.io:x=Ready`: Kubernetes objects.
    Object(Box<ObjectTerm>),
    /// `tcp://h:p`, `http://h/p`, `https://h/p`: checked by the client, as seen from the pod.
    Probe(Probe),
    /// `a/b`, `a/b=v`, `a/b>=3`: one variable.
    Variable {
        /// Its name.
        name: NameTemplate,
        /// Where it lives; the pod's own namespace if it is not written.
        namespace: Option<Namespace>,
        /// What is asked of it.
        demand: Demand<ValueTemplate>,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below {
                prefix,
                namespace,
                at_least,
            } => {
                let at = At(namespace.as_ref());
                write!(f, "{prefix}/*{at}{}", AtLeast(*at_least))
            }
            Self::Object(object) => write!(f, "{object}"),
            Self::Probe(probe) => write!(f, "{probe}"),
            Self::Variable {
                name,
                namespace,
                demand,
            } => write!(f, "{name}{}{demand}", At(namespace.as_ref())),
        }
    }
}

/// Prints `@namespace`, if there is one.
pub(crate) struct At<'a>(pub(crate) Option<&'a Namespace>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(namespace) => write!(f, "@{namespace}"),
            None => Ok(()),
        }
    }
}

/// Prints `>=count`, if it is more than one.
pub(crate) struct AtLeast(pub(crate) NonZeroU32);

impl fmt::Display for AtLeast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get() {
            1 => Ok(()),
            count => write!(f, ">={count}"),
        }
    }
}

/// What is asked of one variable. `V` is a value, with or without placeholders.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Demand<V = Value> {
    /// An assertion of it has this value.
    Equals(V),
    /// It exists.
    Exists,
    /// At least so many distinct owners assert it.
    Owners(NonZeroU32),
}

impl<V> Demand<V> {
    fn value(&self) -> Option<&V> {
        match self {
            Self::Equals(value) => Some(value),
            Self::Exists | Self::Owners(_) => None,
        }
    }

    /// Returns the same with the value changed.
    pub(crate) fn try_map<U, E>(
        &self,
        change: impl FnOnce(&V) -> Result<U, E>,
    ) -> Result<Demand<U>, E> {
        Ok(match self {
            Self::Equals(value) => Demand::Equals(change(value)?),
            Self::Exists => Demand::Exists,
            Self::Owners(count) => Demand::Owners(*count),
        })
    }
}

impl<V: fmt::Display> fmt::Display for Demand<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => write!(f, "={value}"),
            Self::Exists => Ok(()),
            Self::Owners(count) => write!(f, ">={count}"),
        }
    }
}

/// A check that the client makes itself, as seen from the pod.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Probe {
    /// How.
    pub scheme: Scheme,
    /// The host: a name, an IPv4 address, or an IPv6 address without brackets.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The path with its query, beginning with `/`; empty for `tcp`.
    pub path: Box<str>,
}

/// Prints the URL, quoted if it would not end by itself.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(f, &self.url())
    }
}

impl Probe {
    /// Returns the URL, without the port if it is the scheme's default.
    pub fn url(&self) -> String {
        let scheme = self.scheme.as_str();
        let path = &self.path;
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.to_string()
        };
        if self.scheme.default_port() == Some(self.port) {
            format!("{scheme}://{host}{path}")
        } else {
            format!("{scheme}://{host}:{}{path}", self.port)
        }
    }
}

/// The scheme of a probe.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// A 2xx or 3xx answer comes.
    Http,
    /// A 2xx or 3xx answer comes over TLS.
    Https,
    /// A connection is accepted.
    Tcp,
}

impl Scheme {
    pub(crate) const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Tcp];

    /// Returns the scheme's name in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
        }
    }

    /// Returns the port where none is written.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Tcp => None,
        }
    }
}

#[cfg(test)]
mod tests;
