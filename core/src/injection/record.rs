//! What the annotation `oncue.dev/injected` says.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::language::{
    Located, PodAnnotations, Signal, Term,
    annotation::{Inject, Mode, Position, TimeoutPolicy},
};

/// What was injected, with all names that were known filled in.
///
/// Later readers use the record, because labels can change. Default values are omitted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Record {
    /// The hash of everything that was injected.
    pub hash: String,
    /// The terms, in canonical form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// `gate` where a scheduling gate waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on_mode: Option<String>,
    /// `after-sidecars` where our container stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on_position: Option<String>,
    /// The time for the whole wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on_timeout: Option<String>,
    /// `proceed` where the pod goes on after a timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on_timeout_policy: Option<String>,
    /// `token` where the pod got a token for the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// `client` where every container got the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inject: Option<String>,
    /// Created once the container has started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
    /// Whose start the marker reports, where there are `signals` or a name has `$(CONTAINER)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signals_container: Option<String>,
    /// Created when the pod fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals_on_failure: Vec<String>,
    /// Created once the wait is over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals_on_init: Vec<String>,
    /// Created when the pod is ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals_on_ready: Vec<String>,
    /// Created when the pod succeeds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals_on_success: Vec<String>,
    /// Created before the wait.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals_on_wait: Vec<String>,
}

impl Record {
    /// Returns the record of `asked` and of the container that was chosen for it, still without a
    /// hash.
    pub(crate) fn of(asked: &PodAnnotations, container: Option<&str>) -> Self {
        let word = |applies: bool, word: &str| applies.then(|| word.to_owned());
        Self {
            hash: String::new(),
            depends_on: print(&asked.depends_on),
            depends_on_mode: word(asked.mode == Mode::Gate, GATE),
            depends_on_position: word(asked.position == Position::AfterSidecars, AFTER_SIDECARS),
            depends_on_timeout: asked.timeout.map(|timeout| timeout.to_string()),
            depends_on_timeout_policy: word(
                asked.timeout_policy == TimeoutPolicy::Proceed,
                "proceed",
            ),
            identity: None,
            inject: word(asked.inject == Inject::Client, "client"),
            signals: print(&asked.signals),
            signals_container: container.map(str::to_owned),
            signals_on_failure: print(&asked.signals_on_failure),
            signals_on_init: print(&asked.signals_on_init),
            signals_on_ready: print(&asked.signals_on_ready),
            signals_on_success: print(&asked.signals_on_success),
            signals_on_wait: print(&asked.signals_on_wait),
        }
    }

    /// Returns what the pod asked for, as far as it was recorded.
    ///
    /// # Errors
    /// The first text of a damaged record that cannot be read, and why.
    pub(crate) fn annotations(&self) -> Result<PodAnnotations, String> {
        let signals = |texts| read_lists(texts, Signal::parse_list);
        Ok(PodAnnotations {
            depends_on: read_lists(&self.depends_on, Term::parse_list)?,
            timeout: read(self.depends_on_timeout.as_deref())?,
            position: read(self.depends_on_position.as_deref())?.unwrap_or_default(),
            timeout_policy: read(self.depends_on_timeout_policy.as_deref())?.unwrap_or_default(),
            mode: read(self.depends_on_mode.as_deref())?.unwrap_or_default(),
            signals: signals(&self.signals)?,
            signals_on_wait: signals(&self.signals_on_wait)?,
            signals_on_init: signals(&self.signals_on_init)?,
            signals_on_ready: signals(&self.signals_on_ready)?,
            signals_on_success: signals(&self.signals_on_success)?,
            signals_on_failure: signals(&self.signals_on_failure)?,
            signals_container: self.signals_container.clone(),
            inject: read(self.inject.as_deref())?.unwrap_or_default(),
            ..PodAnnotations::default()
        })
    }

    /// Returns whether a scheduling gate waits.
    pub(crate) fn is_gated(&self) -> bool {
        self.depends_on_mode.as_deref() == Some(GATE)
    }

    /// Adds that the pod gets a token for the store.
    pub(crate) fn add_token(&mut self) {
        self.identity = Some(TOKEN.to_owned());
    }

    /// Returns whether the pod got a token for the store.
    pub fn has_token(&self) -> bool {
        self.identity.as_deref() == Some(TOKEN)
    }

    /// Returns where our container was put.
    pub(crate) fn position(&self) -> Position {
        match self.depends_on_position.as_deref() {
            Some(AFTER_SIDECARS) => Position::AfterSidecars,
            _ => Position::First,
        }
    }
}

const AFTER_SIDECARS: &str = "after-sidecars";
const GATE: &str = "gate";
const TOKEN: &str = "token";

fn read_lists<T, E: Display>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<Vec<Located<T>>, E>,
) -> Result<Vec<Located<T>>, String> {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        all.extend(parse(text).map_err(|error| damaged(text, &error))?);
    }
    Ok(all)
}

fn read<T: FromStr<Err: Display>>(text: Option<&str>) -> Result<Option<T>, String> {
    let read = text.map(|text| text.parse().map_err(|error| damaged(text, &error)));
    read.transpose()
}

fn damaged(text: &str, error: &impl Display) -> String {
    format!("in {text:?}: {error}")
}

fn print<T: ToString>(list: &[Located<T>]) -> Vec<String> {
    list.iter().map(|item| item.value.to_string()).collect()
}
