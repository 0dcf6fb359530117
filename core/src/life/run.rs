//! One run: a Job, or a pod that belongs to none.

use std::collections::BTreeSet;

use oncue_language::{Owner, Timestamp, Value, VariableKey, VariableName};

use super::{Assertion, Outcome, OutcomeSignals, RunEnd};

/// One run: a Job, or a pod that belongs to none.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The owner of its outcome; `None` while only pods of a Job were seen.
    pub(super) producer: Option<Owner>,
    pub(super) started: Option<Timestamp>,
    pub(super) end: Option<RunEnd>,
    /// What the Job's template signals.
    pub(super) template: OutcomeSignals,
    /// What the records of its pods signal, which counts in place of the template.
    pub(super) recorded: OutcomeSignals,
    /// The uids of the pods that exist, if it is a Job's.
    pub(super) pods: BTreeSet<Box<str>>,
    /// Whether the Job, or the pod that is the run, exists.
    pub(super) exists: bool,
    /// The variables about which nothing is left to do: its outcome was asserted, or something
    /// newer is true.
    pub(super) settled: BTreeSet<VariableName>,
}

impl Run {
    /// Returns what it signals when it has ended.
    pub(super) fn signals(&self) -> &OutcomeSignals {
        if self.recorded.is_empty() {
            &self.template
        } else {
            &self.recorded
        }
    }

    /// Returns the variables that it can signal.
    pub(super) fn keys(&self) -> BTreeSet<VariableKey> {
        let Some(producer) = &self.producer else {
            return BTreeSet::new();
        };
        let names = self.signals().names();
        names
            .map(|name| VariableKey::new(producer.namespace.clone(), name.clone()))
            .collect()
    }

    /// Returns what it states about a variable now that it has ended.
    pub(super) fn statement(&self, name: &VariableName) -> Option<Statement<'_>> {
        let end = self.end?;
        let signal = self.signals().find(end.outcome, name)?;
        Some(Statement {
            producer: self.producer.as_ref()?,
            object: None,
            value: signal.value.as_ref(),
            at: end.at,
            run: Some(self),
        })
    }

    /// Returns whether nothing has to be kept of it.
    pub(super) fn is_over(&self) -> bool {
        let is_settled = |end: RunEnd| {
            let mut signals = self.signals().of(end.outcome).iter();
            signals.all(|signal| self.settled.contains(&signal.name))
        };
        let has_job = self.producer.is_some() || self.pods.is_empty();
        !self.exists && has_job && self.end.is_none_or(is_settled)
    }

    /// Returns whether what happened in this run ends an earlier statement about a variable: a new
    /// run and a success end a failure, a failure ends a success.
    pub(super) fn ends(&self, statement: &Statement<'_>, name: &VariableName) -> bool {
        let is = |outcome| statement.is(outcome, self.signals(), name);
        let is_begun = self.started.is_some_and(|started| {
            let began = statement.run.and_then(|run| run.started);
            statement.at <= started && began.is_none_or(|began| began < started)
        });
        let has_ended = self.end.is_some_and(|end| match end.outcome {
            Outcome::Success => is(Outcome::Failure) && statement.at < end.at,
            Outcome::Failure => is(Outcome::Success) && statement.at <= end.at,
        });
        is_begun && is(Outcome::Failure) || has_ended
    }
}

/// That a run has asserted a variable, or is to assert it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a> {
    pub(super) producer: &'a Owner,
    /// The object of the assertion, as in its id.
    pub(super) object: Option<&'a str>,
    pub(super) value: Option<&'a Value>,
    /// When the run ended.
    pub(super) at: Timestamp,
    /// The run, if it is known.
    pub(super) run: Option<&'a Run>,
}

impl<'a> Statement<'a> {
    /// Returns the statement that an assertion makes; `run` is the one that made it, if it is known.
    pub(super) fn of(assertion: &'a Assertion, run: Option<&'a Run>) -> Option<Self> {
        let end = run.and_then(|run| run.end);
        Some(Self {
            producer: assertion.id.asserter.owner()?,
            object: assertion.id.object.as_deref(),
            value: assertion.value.as_ref(),
            at: end.map_or(assertion.since, |end| end.at),
            run,
        })
    }

    /// Returns whether it states this outcome; if its run is not known, as `signals` read it.
    pub(super) fn is(
        &self,
        outcome: Outcome,
        signals: &OutcomeSignals,
        name: &VariableName,
    ) -> bool {
        let known = self.run.and_then(|run| run.end).map(|end| end.outcome);
        signals.find(outcome, name).is_some()
            && known.map_or_else(
                || signals.reads_as(outcome, name, self.value),
                |known| known == outcome,
            )
    }

    /// Returns whether a later run of the same producer states the same: the newer one replaces it.
    pub(super) fn is_replaced_by(&self, newer: &Self) -> bool {
        let order = |it: &Self| (it.at, it.producer.uid.clone());
        self.producer.is_same_producer(newer.producer) && order(self) < order(newer)
    }
}
