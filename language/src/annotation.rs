//! Everything a pod may ask for in its annotations.

mod error;
mod key;
mod rehearsal;

pub use self::{
    error::{AnnotationError, AnnotationWarning, Fault},
    key::{BareKeys, Key, Keys, KeysError},
    rehearsal::{End, Rehearsal},
};

use std::str::FromStr;

use strum::{EnumString, VariantNames};

use crate::{
    expiry::{Attempt, TimeoutRules},
    signal::Signal,
    syntax::Located,
    template::{Facts, ResolveError},
    term::Term,
    timeout::Timeout,
};

/// What a pod asks for, parsed but not yet filled in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PodAnnotations {
    /// `depends-on`.
    pub depends_on: Vec<Located<Term>>,
    /// `depends-on-timeout`. `None` waits forever.
    pub timeout: Option<Timeout>,
    /// `depends-on-position`.
    pub position: Position,
    /// `depends-on-timeout-policy`.
    pub timeout_policy: TimeoutPolicy,
    /// `depends-on-mode`.
    pub mode: Mode,
    /// `signals`.
    pub signals: Vec<Located<Signal>>,
    /// `signals-on-wait`.
    pub signals_on_wait: Vec<Located<Signal>>,
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
    /// All mistakes are returned, in the order of the keys.
    pub fn read<'a>(
        keys: &Keys,
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Reading {
        let mut reader = Reader::default();
        for (text, value) in annotations {
            reader.sort_in(keys, text, value);
        }
        reader.read()
    }

    /// Fills in what `facts` knows of every name and value.
    ///
    /// # Errors
    /// [`Fault::Substitution`] for the first that cannot be filled in.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, AnnotationError> {
        let signals =
            |key, list: &[Located<Signal>]| resolve_list(key, list, |signal| signal.resolve(facts));
        Ok(Self {
            depends_on: resolve_list(Key::DependsOn, &self.depends_on, |term| term.resolve(facts))?,
            signals: signals(Key::Signals, &self.signals)?,
            signals_on_wait: signals(Key::SignalsOnWait, &self.signals_on_wait)?,
            signals_on_init: signals(Key::SignalsOnInit, &self.signals_on_init)?,
            signals_on_ready: signals(Key::SignalsOnReady, &self.signals_on_ready)?,
            signals_on_success: signals(Key::SignalsOnSuccess, &self.signals_on_success)?,
            signals_on_failure: signals(Key::SignalsOnFailure, &self.signals_on_failure)?,
            timeout: self.timeout,
            position: self.position,
            timeout_policy: self.timeout_policy,
            mode: self.mode,
            signals_container: self.signals_container.clone(),
            inject: self.inject,
            resources: self.resources.clone(),
            rehearsal: self.rehearsal,
        })
    }

    /// Returns the timeout rules of the pod's first wait.
    pub fn timeout_rules(&self) -> TimeoutRules {
        TimeoutRules {
            whole: self.timeout,
            policy: self.timeout_policy,
            attempt: Attempt::First,
        }
    }

    /// Returns every list of signals with its key.
    pub fn all_signals(&self) -> [(Key, &[Located<Signal>]); 6] {
        [
            (Key::Signals, &self.signals),
            (Key::SignalsOnWait, &self.signals_on_wait),
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

/// What was read of a pod's annotations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// What the pod asks for, or everything that is wrong with it.
    pub annotations: Result<PodAnnotations, Vec<AnnotationError>>,
    /// Warnings, with or without errors.
    pub warnings: Vec<AnnotationWarning>,
}

fn resolve_list<T: ToString>(
    key: Key,
    list: &[Located<T>],
    resolve: impl Fn(&T) -> Result<T, ResolveError>,
) -> Result<Vec<Located<T>>, AnnotationError> {
    list.iter()
        .map(|Located { value, at }| match resolve(value) {
            Ok(value) => Ok(Located { value, at: *at }),
            Err(error) => {
                let (at, term) = (*at, value.to_string());
                let fault = Fault::Substitution { at, term, error };
                Err(AnnotationError { key, fault })
            }
        })
        .collect()
}

/// `depends-on-position`: the place of the waiting container.
#[derive(Clone, Copy, Debug, Default, EnumString, Eq, PartialEq, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Position {
    /// In front of every other init container.
    #[default]
    First,
    /// Behind the pod's own native sidecars.
    AfterSidecars,
}

/// `depends-on-timeout-policy`: what happens when a wait times out.
#[derive(Clone, Copy, Debug, Default, EnumString, Eq, PartialEq, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum TimeoutPolicy {
    /// The wait fails with exit code 124.
    #[default]
    Fail,
    /// The pod goes on without what is missing.
    Proceed,
}

/// `depends-on-mode`: what holds the pod.
#[derive(Clone, Copy, Debug, Default, EnumString, Eq, PartialEq, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Mode {
    /// An init container.
    #[default]
    Init,
    /// A scheduling gate, before any node is held.
    Gate,
}

/// `oncue.dev/inject`.
#[derive(Clone, Copy, Debug, Default, EnumString, Eq, PartialEq, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Inject {
    /// `true`: what the annotations ask for.
    #[default]
    #[strum(serialize = "true")]
    Asked,
    /// `false`: nothing.
    #[strum(serialize = "false")]
    Off,
    /// `client`: the client binary in every container besides.
    Client,
}

/// Most unknown keys that are warned of: each is held against every known one.
const MAX_UNKNOWN: usize = 16;

/// Collects the values by key before any is parsed, so that two spellings of one key are compared.
#[derive(Default)]
struct Reader<'a> {
    values: Vec<(Key, &'a str)>,
    unknown: usize,
    warnings: Vec<AnnotationWarning>,
    errors: Vec<AnnotationError>,
}

impl<'a> Reader<'a> {
    fn sort_in(&mut self, keys: &Keys, text: &str, value: &'a str) {
        match keys.classify(text) {
            key::Class::Known(key) => {
                if key.is_reserved() {
                    let written = text.to_owned();
                    let warning = AnnotationWarning::Reserved { key, written };
                    self.warnings.push(warning);
                }
                if key.is_list() && value.trim().is_empty() {
                    let written = text.to_owned();
                    self.warnings
                        .push(AnnotationWarning::Empty { key, written });
                }
                if key == Key::Release {
                    let written = text.to_owned();
                    self.warnings.push(AnnotationWarning::Release { written });
                }
                self.add(key, value);
            }
            key::Class::Unknown(name) if self.unknown < MAX_UNKNOWN => {
                self.unknown += 1;
                self.warnings.push(AnnotationWarning::UnknownKey {
                    key: text.to_owned(),
                    nearest: keys.written(Key::nearest(name)),
                });
            }
            key::Class::Foreign | key::Class::Unknown(_) => {}
        }
    }

    fn add(&mut self, key: Key, value: &'a str) {
        match self.values.iter().find(|(known, _)| *known == key) {
            Some((_, other)) if *other != value => {
                let fault = Fault::Conflict;
                self.errors.push(AnnotationError { key, fault });
            }
            Some(_) => {}
            None => self.values.push((key, value)),
        }
    }

    fn read(mut self) -> Reading {
        let mut pod = PodAnnotations::default();
        let mut values = std::mem::take(&mut self.values);
        values.sort_by_key(|(key, _)| *key);
        for (key, value) in values {
            if let Err(error) = pod.set(key, value) {
                self.errors.push(error);
            }
        }
        Reading {
            annotations: if self.errors.is_empty() {
                Ok(pod)
            } else {
                Err(self.errors)
            },
            warnings: self.warnings,
        }
    }
}

impl PodAnnotations {
    fn set(&mut self, key: Key, value: &str) -> Result<(), AnnotationError> {
        let syntax = |error| AnnotationError::syntax(key, error);
        let signals = || Signal::parse_list(value).map_err(syntax);
        match key {
            Key::DependsOn => self.depends_on = Term::parse_list(value).map_err(syntax)?,
            Key::DependsOnMode => self.mode = choose(key, value)?,
            Key::DependsOnPosition => self.position = choose(key, value)?,
            Key::DependsOnTimeout => {
                let timeout = value.trim().parse();
                self.timeout =
                    Some(timeout.map_err(|error| AnnotationError::refused(key, &error))?);
            }
            Key::DependsOnTimeoutPolicy => self.timeout_policy = choose(key, value)?,
            Key::Inject => self.inject = choose(key, value)?,
            Key::Rehearse => {
                let rehearsal = value.parse();
                self.rehearsal =
                    rehearsal.map_err(|error| AnnotationError::refused(key, &error))?;
            }
            Key::Resources => self.resources = Some(value.to_owned()),
            Key::Signals => self.signals = signals()?,
            Key::SignalsContainer => self.signals_container = Some(value.trim().to_owned()),
            Key::SignalsOnFailure => self.signals_on_failure = signals()?,
            Key::SignalsOnInit => self.signals_on_init = signals()?,
            Key::SignalsOnReady => self.signals_on_ready = signals()?,
            Key::SignalsOnSuccess => self.signals_on_success = signals()?,
            Key::SignalsOnWait => self.signals_on_wait = signals()?,
            Key::DependsOnRestart | Key::Injected | Key::Release => {}
        }
        Ok(())
    }
}

/// Reads one of a few words; the rule names them, the default first.
fn choose<T: FromStr + VariantNames>(key: Key, value: &str) -> Result<T, AnnotationError> {
    value.trim().parse().map_err(|_| {
        let rule = format!("it is one of {}", T::VARIANTS.join(", "));
        AnnotationError::value(key, value, &rule)
    })
}

#[cfg(test)]
mod tests;
