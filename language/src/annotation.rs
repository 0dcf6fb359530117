//! Everything a pod may ask for in its annotations.

mod key;
mod rehearsal;

pub use self::{
    key::{BareKeys, Key, Keys, KeysError},
    rehearsal::{End, Rehearsal},
};

use thiserror::Error;

use crate::{
    signal::Signal,
    syntax::{Located, SyntaxError},
    template::{Facts, ResolveError},
    term::Term,
    timeout::Timeout,
};

/// What a pod asks for, parsed but not yet filled in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PodAnnotations {
    /// `depends-on`.
    pub depends_on: Vec<Located<Term>>,
    /// `depends-on-timeout`; none waits for ever.
    pub timeout: Option<Timeout>,
    /// `depends-on-position`.
    pub position: Position,
    /// `depends-on-timeout-policy`.
    pub timeout_policy: TimeoutPolicy,
    /// `depends-on-mode`.
    pub mode: Mode,
    /// `signals`.
    pub signals: Vec<Located<Signal>>,
    /// `signals-on-init`.
    pub signals_on_init: Vec<Located<Signal>>,
    /// `signals-on-ready`.
    pub signals_on_ready: Vec<Located<Signal>>,
    /// `signals-on-success`.
    pub signals_on_success: Vec<Located<Signal>>,
    /// `signals-on-failure`.
    pub signals_on_failure: Vec<Located<Signal>>,
    /// `signals-container`.
    pub signals_container: Option<String>,
    /// `oncue.dev/inject`.
    pub inject: Inject,
    /// `oncue.dev/resources`, as written; injection parses it.
    pub resources: Option<String>,
    /// `oncue.dev/rehearse`.
    pub rehearsal: Rehearsal,
}

impl PodAnnotations {
    /// Reads the annotations of one pod, in any order.
    ///
    /// # Errors
    /// Every error there is, in the order of the keys in design and help texts, not only the first.
    pub fn read<'a>(
        keys: &Keys,
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Self, Vec<AnnotationWarning>), Vec<AnnotationError>> {
        let mut reader = Reader::default();
        for (text, value) in annotations {
            reader.sort_in(keys, text, value);
        }
        reader.read()
    }

    /// Fills in what `facts` knows of every name.
    ///
    /// # Errors
    /// [`AnnotationError::Substitution`] for the first name that cannot be filled in.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, AnnotationError> {
        let signals =
            |key, list: &[Located<Signal>]| resolve_list(key, list, |signal| signal.resolve(facts));
        Ok(Self {
            depends_on: resolve_list(Key::DependsOn, &self.depends_on, |term| term.resolve(facts))?,
            signals: signals(Key::Signals, &self.signals)?,
            signals_on_init: signals(Key::SignalsOnInit, &self.signals_on_init)?,
            signals_on_ready: signals(Key::SignalsOnReady, &self.signals_on_ready)?,
            signals_on_success: signals(Key::SignalsOnSuccess, &self.signals_on_success)?,
            signals_on_failure: signals(Key::SignalsOnFailure, &self.signals_on_failure)?,
            ..self.clone()
        })
    }

    /// Returns every list of signals with its key.
    pub fn all_signals(&self) -> [(Key, &[Located<Signal>]); 5] {
        [
            (Key::Signals, &self.signals),
            (Key::SignalsOnInit, &self.signals_on_init),
            (Key::SignalsOnReady, &self.signals_on_ready),
            (Key::SignalsOnSuccess, &self.signals_on_success),
            (Key::SignalsOnFailure, &self.signals_on_failure),
        ]
    }

    /// Returns whether the pod asks for anything that injection or a controller has to do.
    pub fn asks_for_anything(&self) -> bool {
        !self.depends_on.is_empty()
            || self.inject == Inject::Client
            || self.all_signals().iter().any(|(_, list)| !list.is_empty())
    }
}

fn resolve_list<T: ToString>(
    key: Key,
    list: &[Located<T>],
    resolve: impl Fn(&T) -> Result<T, ResolveError>,
) -> Result<Vec<Located<T>>, AnnotationError> {
    list.iter()
        .map(|Located { value, column }| match resolve(value) {
            Ok(value) => Ok(Located {
                value,
                column: *column,
            }),
            Err(error) => Err(AnnotationError::Substitution {
                key,
                column: *column,
                term: value.to_string(),
                error,
            }),
        })
        .collect()
}

/// `depends-on-position`: where the waiting container stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Position {
    /// Behind the pod's own native sidecars.
    AfterSidecars,
    /// In front of every other init container.
    #[default]
    First,
}

/// `depends-on-timeout-policy`: what happens when the whole wait times out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TimeoutPolicy {
    /// The wait fails with exit code 124.
    #[default]
    Fail,
    /// The pod goes on without what is missing.
    Proceed,
}

/// `depends-on-mode`: who holds the pod.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// A scheduling gate, before any node is held.
    Gate,
    /// An init container.
    #[default]
    Init,
}

/// `oncue.dev/inject`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Inject {
    /// `client`: the client binary in every container besides.
    Client,
    /// What the annotations ask for.
    #[default]
    Asked,
    /// `false`: nothing.
    Off,
}

/// Collects the values by key before any is parsed, so that two spellings of one key are compared.
#[derive(Default)]
struct Reader<'a> {
    values: Vec<(Key, &'a str)>,
    warnings: Vec<AnnotationWarning>,
    errors: Vec<AnnotationError>,
}

impl<'a> Reader<'a> {
    fn sort_in(&mut self, keys: &Keys, text: &str, value: &'a str) {
        match keys.classify(text) {
            key::Class::Known(key) => self.add(key, value),
            key::Class::Foreign => {}
            key::Class::Unknown(nearest) => self.warnings.push(AnnotationWarning::UnknownKey {
                key: text.to_owned(),
                nearest,
            }),
        }
    }

    fn add(&mut self, key: Key, value: &'a str) {
        if key.is_reserved() {
            self.warnings.push(AnnotationWarning::Reserved { key });
        }
        match self.values.iter().find(|(known, _)| *known == key) {
            Some((_, other)) if *other != value => {
                self.errors.push(AnnotationError::Conflict { key });
            }
            Some(_) => {}
            None => self.values.push((key, value)),
        }
    }

    fn read(mut self) -> Result<(PodAnnotations, Vec<AnnotationWarning>), Vec<AnnotationError>> {
        let mut pod = PodAnnotations::default();
        let mut values = std::mem::take(&mut self.values);
        values.sort_by_key(|(key, _)| *key);
        for (key, value) in values {
            if let Err(error) = pod.set(key, value) {
                self.errors.push(error);
            }
        }
        if self.errors.is_empty() {
            Ok((pod, self.warnings))
        } else {
            Err(self.errors)
        }
    }
}

impl PodAnnotations {
    fn set(&mut self, key: Key, value: &str) -> Result<(), AnnotationError> {
        let syntax = |error| AnnotationError::Syntax { key, error };
        let signals = || Signal::parse_list(value).map_err(syntax);
        match key {
            Key::DependsOn => self.depends_on = Term::parse_list(value).map_err(syntax)?,
            Key::DependsOnMode => {
                self.mode = choose(key, value, &[("init", Mode::Init), ("gate", Mode::Gate)])?;
            }
            Key::DependsOnPosition => {
                let choices = [
                    ("first", Position::First),
                    ("after-sidecars", Position::AfterSidecars),
                ];
                self.position = choose(key, value, &choices)?;
            }
            Key::DependsOnTimeout => {
                let timeout = value.trim().parse();
                self.timeout =
                    Some(timeout.map_err(|error| AnnotationError::value(key, value, &error))?);
            }
            Key::DependsOnTimeoutPolicy => {
                let choices = [
                    ("fail", TimeoutPolicy::Fail),
                    ("proceed", TimeoutPolicy::Proceed),
                ];
                self.timeout_policy = choose(key, value, &choices)?;
            }
            Key::Inject => {
                let choices = [
                    ("true", Inject::Asked),
                    ("false", Inject::Off),
                    ("client", Inject::Client),
                ];
                self.inject = choose(key, value, &choices)?;
            }
            Key::Rehearse => {
                let rehearsal = value.parse();
                self.rehearsal =
                    rehearsal.map_err(|error| AnnotationError::value(key, value, &error))?;
            }
            Key::Resources => self.resources = Some(value.to_owned()),
            Key::Signals => self.signals = signals()?,
            Key::SignalsContainer => self.signals_container = Some(value.trim().to_owned()),
            Key::SignalsOnFailure => self.signals_on_failure = signals()?,
            Key::SignalsOnInit => self.signals_on_init = signals()?,
            Key::SignalsOnReady => self.signals_on_ready = signals()?,
            Key::SignalsOnSuccess => self.signals_on_success = signals()?,
            Key::DependsOnRestart | Key::Injected | Key::Release => {}
        }
        Ok(())
    }
}

fn choose<T: Copy>(key: Key, value: &str, choices: &[(&str, T)]) -> Result<T, AnnotationError> {
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == value.trim()) {
        return Ok(*choice);
    }
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let rule = format!("it is one of {}", names.join(", "));
    Err(AnnotationError::value(key, value, &rule))
}

/// An annotation that denies the pod: which key, where, and what would be right.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnnotationError {
    /// The bare and the prefixed spelling of a key say different things.
    #[error(
        "{key}: the key is there twice, bare and with the prefix, with different values: keep one"
    )]
    Conflict {
        /// The key.
        key: Key,
    },
    /// Something asked for that does not go together with the rest of the pod.
    #[error("{key}: {rule}")]
    Refused {
        /// The key.
        key: Key,
        /// Why, and what would be right.
        rule: String,
    },
    /// A term that is well written, but does not go together with the rest of the pod.
    #[error("{key}: column {column}: in {term:?}: {rule}")]
    RefusedTerm {
        /// The key.
        key: Key,
        /// The column of the term, counted from 1 in characters.
        column: usize,
        /// The term.
        term: String,
        /// Why, and what would be right.
        rule: String,
    },
    /// A name that cannot be filled in.
    #[error("{key}: column {column}: in {term:?}: {error}")]
    Substitution {
        /// The key.
        key: Key,
        /// The column of the term, counted from 1 in characters.
        column: usize,
        /// The term.
        term: String,
        /// Why.
        #[source]
        error: ResolveError,
    },
    /// A list of terms or signals that breaks the grammar.
    #[error("{key}: {error}")]
    Syntax {
        /// The key.
        key: Key,
        /// Where and why.
        #[source]
        error: SyntaxError,
    },
    /// A single value that is not one of its key's.
    #[error("{key}: {value:?} is not right: {rule}")]
    Value {
        /// The key.
        key: Key,
        /// The value, as written.
        value: String,
        /// What would be right.
        rule: String,
    },
}

impl AnnotationError {
    /// Returns the error of a value that its own parser refused.
    pub fn value(key: Key, value: &str, rule: &impl ToString) -> Self {
        Self::Value {
            key,
            value: value.to_owned(),
            rule: rule.to_string(),
        }
    }

    /// Returns the key it speaks of.
    pub fn key(&self) -> Key {
        match self {
            Self::Conflict { key }
            | Self::Refused { key, .. }
            | Self::RefusedTerm { key, .. }
            | Self::Substitution { key, .. }
            | Self::Syntax { key, .. }
            | Self::Value { key, .. } => *key,
        }
    }

    /// Returns the column in the annotation's value that it points at, counted from 1.
    pub fn column(&self) -> usize {
        match self {
            Self::RefusedTerm { column, .. } | Self::Substitution { column, .. } => *column,
            Self::Syntax { error, .. } => error.column,
            Self::Conflict { .. } | Self::Refused { .. } | Self::Value { .. } => 1,
        }
    }
}

/// An annotation that is let through, but that a person should hear of.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnnotationWarning {
    /// A key that is kept for later.
    #[error("{key} is reserved and does nothing yet")]
    Reserved {
        /// The key.
        key: Key,
    },
    /// A key that looks like ours and is not.
    #[error("{key} is not a key of oncue: did you mean {nearest}?")]
    UnknownKey {
        /// The key, as written.
        key: String,
        /// The known key nearest to it.
        nearest: Key,
    },
}

#[cfg(test)]
mod tests;
