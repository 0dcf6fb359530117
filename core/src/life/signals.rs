//! Everything that a pod signals.

use std::fmt;

use oncue_language::{Facts, Signal};
use thiserror::Error;

use super::{DeclaredSignal, OutcomeSignals};
use crate::injection::Record;

/// Everything a pod signals, with every placeholder filled in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PodSignals {
    /// Once `oncue-wait` is over.
    pub init: Vec<DeclaredSignal>,
    /// When the run has ended.
    pub outcomes: OutcomeSignals,
    /// While the pod is Ready.
    pub ready: Vec<DeclaredSignal>,
    /// Once the container that the marker reports has started.
    pub start: Vec<DeclaredSignal>,
    /// Before `oncue-wait` waits.
    pub wait: Vec<DeclaredSignal>,
}

impl PodSignals {
    /// Returns what a record signals, without the signals of which `facts` does not know all yet.
    ///
    /// # Errors
    /// [`SignalProblem`] for the first text that is not a signal.
    pub(super) fn recorded(record: &Record, facts: &Facts<'_>) -> Result<Self, SignalProblem> {
        let read = |texts: &[String]| recorded(texts, facts);
        Ok(Self {
            init: read(&record.signals_on_init)?,
            outcomes: OutcomeSignals {
                failure: read(&record.signals_on_failure)?,
                success: read(&record.signals_on_success)?,
            },
            ready: read(&record.signals_on_ready)?,
            start: read(&record.signals)?,
            wait: read(&record.signals_on_wait)?,
        })
    }

    /// Returns whether it signals anything that ends with the pod.
    pub(super) fn has_live(&self) -> bool {
        [&self.init, &self.ready, &self.start, &self.wait]
            .iter()
            .any(|list| !list.is_empty())
    }
}

fn recorded(texts: &[String], facts: &Facts<'_>) -> Result<Vec<DeclaredSignal>, SignalProblem> {
    let one = |text: &String| {
        let problem = |error: &dyn fmt::Display| SignalProblem {
            text: text.clone(),
            reason: error.to_string(),
        };
        let signal: Signal = text.parse().map_err(|error| problem(&error))?;
        DeclaredSignal::resolve(&signal, facts).map_err(|error| problem(&error))
    };
    texts
        .iter()
        .filter_map(|text| one(text).transpose())
        .collect()
}

/// A text in a pod's record that is not a signal.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the signal {text:?} cannot be read: {reason}")]
pub struct SignalProblem {
    text: String,
    reason: String,
}
