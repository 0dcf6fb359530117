//! What a pod's events assert and withdraw.

use std::fmt;

use oncue_language::{Facts, PodAnnotations, Signal, Value, VariableName, syntax::Located};
use thiserror::Error;

use super::{DeclaredSignal, Kind, OutcomeSignals};
use crate::injection::Record;

/// Something that happened to a pod.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Its run failed: a Job's own failure, or that of a pod without a Job.
    Failed,
    /// Its object is gone.
    Gone,
    /// The injected wait is over; its own init containers run now.
    Initialized,
    /// It is no longer Ready.
    NotReady,
    /// It is Ready.
    Ready,
    /// A new run begins: a Job's, or that of a pod without a Job.
    RunStarted,
    /// The container that the marker reports has started.
    Started,
    /// Its run succeeded: a Job's own completion, or that of a pod without a Job.
    Succeeded,
    /// It is in a terminal phase.
    Terminated,
    /// The injected wait begins; in gate mode, the pod is there.
    Waiting,
}

/// What an event makes of one variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// The pod asserts it.
    Assert {
        /// The variable.
        name: VariableName,
        /// How long that lasts.
        kind: Kind,
        /// The value it carries.
        value: Option<Value>,
    },
    /// What earlier runs of the same producer left of it is removed.
    Clear {
        /// The variable.
        name: VariableName,
    },
    /// The pod asserts it no more.
    Withdraw {
        /// The variable.
        name: VariableName,
        /// Which of the pod's assertions ends.
        kind: Kind,
    },
}

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
    /// Returns what `annotations` signal.
    ///
    /// # Errors
    /// [`UnresolvedSignal`] where a placeholder is left.
    pub fn new(annotations: &PodAnnotations) -> Result<Self, UnresolvedSignal> {
        Ok(Self {
            init: filled_in(&annotations.signals_on_init)?,
            outcomes: OutcomeSignals {
                failure: filled_in(&annotations.signals_on_failure)?,
                success: filled_in(&annotations.signals_on_success)?,
            },
            ready: filled_in(&annotations.signals_on_ready)?,
            start: filled_in(&annotations.signals)?,
            wait: filled_in(&annotations.signals_on_wait)?,
        })
    }

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

    /// Returns what `event` asserts, clears and withdraws, in the order in which to do it.
    pub fn on(&self, event: Event) -> Vec<Act> {
        let OutcomeSignals { failure, success } = &self.outcomes;
        match event {
            Event::Failed => [clear(success), assert(failure, Kind::Durable)].concat(),
            Event::Gone | Event::Terminated => [
                withdraw(&self.ready, Kind::Ready),
                withdraw(&self.start, Kind::Live),
                withdraw(&self.init, Kind::Live),
                withdraw(&self.wait, Kind::Live),
            ]
            .concat(),
            Event::Initialized => assert(&self.init, Kind::Live),
            Event::NotReady => withdraw(&self.ready, Kind::Ready),
            Event::Ready => assert(&self.ready, Kind::Ready),
            Event::RunStarted => clear(failure),
            Event::Started => assert(&self.start, Kind::Live),
            Event::Succeeded => [clear(failure), assert(success, Kind::Durable)].concat(),
            Event::Waiting => assert(&self.wait, Kind::Live),
        }
    }
}

fn filled_in(signals: &[Located<Signal>]) -> Result<Vec<DeclaredSignal>, UnresolvedSignal> {
    let one = |Located { value: signal, .. }: &Located<Signal>| {
        let declared = DeclaredSignal::resolve(signal, &Facts::default());
        declared.ok().flatten().ok_or_else(|| UnresolvedSignal {
            signal: signal.to_string(),
        })
    };
    signals.iter().map(one).collect()
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

fn assert(signals: &[DeclaredSignal], kind: Kind) -> Vec<Act> {
    let act = |DeclaredSignal { name, value }: &DeclaredSignal| Act::Assert {
        name: name.clone(),
        kind,
        value: value.clone(),
    };
    signals.iter().map(act).collect()
}

fn clear(signals: &[DeclaredSignal]) -> Vec<Act> {
    let act = |signal: &DeclaredSignal| Act::Clear {
        name: signal.name.clone(),
    };
    signals.iter().map(act).collect()
}

fn withdraw(signals: &[DeclaredSignal], kind: Kind) -> Vec<Act> {
    let act = |signal: &DeclaredSignal| Act::Withdraw {
        name: signal.name.clone(),
        kind,
    };
    signals.iter().map(act).collect()
}

/// A text in a pod's record that is not a signal.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the signal {text:?} cannot be read: {reason}")]
pub struct SignalProblem {
    text: String,
    reason: String,
}

/// A signal that still has a placeholder.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the signal {signal} is not filled in")]
pub struct UnresolvedSignal {
    signal: String,
}

#[cfg(test)]
mod tests {
    use oncue_language::Keys;

    use super::*;

    fn mk_signals(annotations: &[(&str, &str)]) -> PodSignals {
        let keys = Keys::default();
        let reading = PodAnnotations::read(&keys, annotations.iter().copied());
        PodSignals::new(&reading.annotations.unwrap()).unwrap()
    }

    fn mk_all() -> PodSignals {
        mk_signals(&[
            ("signals", "started=1"),
            ("signals-on-init", "initialized"),
            ("signals-on-wait", "waiting"),
            ("signals-on-ready", "ready"),
            ("signals-on-success", "done"),
            ("signals-on-failure", "broken"),
        ])
    }

    fn shown(acts: &[Act]) -> Vec<String> {
        let show = |act: &Act| match act {
            Act::Assert { name, kind, value } => {
                let value = value.as_ref().map_or(String::new(), |v| format!("={v}"));
                format!("+{name}{value} {kind}")
            }
            Act::Clear { name } => format!("0{name}"),
            Act::Withdraw { name, kind } => format!("-{name} {kind}"),
        };
        acts.iter().map(show).collect()
    }

    #[test]
    fn each_event_asserts_and_withdraws_what_its_line_of_the_design_says() {
        let ends = [
            "-ready ready",
            "-started live",
            "-initialized live",
            "-waiting live",
        ]
        .as_slice();
        for (event, acts) in [
            (Event::RunStarted, ["0broken"].as_slice()),
            (Event::Waiting, &["+waiting live"]),
            (Event::Initialized, &["+initialized live"]),
            (Event::Started, &["+started=1 live"]),
            (Event::Ready, &["+ready ready"]),
            (Event::NotReady, &["-ready ready"]),
            (Event::Terminated, ends),
            (Event::Gone, ends),
            (Event::Succeeded, &["0broken", "+done durable"]),
            (Event::Failed, &["0done", "+broken durable"]),
        ] {
            assert_eq!(shown(&mk_all().on(event)), acts, "{event:?}");
        }
    }

    #[test]
    fn an_outcome_in_one_variable_is_cleared_before_it_is_asserted() {
        let signals = mk_signals(&[
            ("signals-on-success", "end=ok"),
            ("signals-on-failure", "end=bad"),
        ]);
        assert_eq!(
            shown(&signals.on(Event::Failed)),
            ["0end", "+end=bad durable"]
        );
    }

    #[test]
    fn refuses_names_that_are_not_filled_in() {
        let keys = Keys::default();
        let annotations = [("signals", "a/$(POD_NAME)")];
        let reading = PodAnnotations::read(&keys, annotations);
        let error = PodSignals::new(&reading.annotations.unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the signal a/$(POD_NAME) is not filled in"
        );
    }
}
