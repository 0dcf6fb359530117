//! What runs state about one variable, and what is to be done about it.
//!
//! What is true of a variable follows from the runs that declare it and from the assertions that
//! earlier runs have left: each is a statement with a time, and [`Run::ends`] tells which of them
//! something newer has ended. So the order in which runs are observed makes no difference.

use std::{collections::BTreeMap, sync::Arc};

use oncue_language::{Kind, Owner, Timestamp, VariableKey, VariableName};

use super::{
    Assertion, AssertionId, Decisions, Outcome,
    assertion_index::AssertionIndex,
    run::{Run, Statement},
};
use crate::world::{Action, Existing, Mutation};

/// What runs state about one variable.
pub(super) struct Statements<'a> {
    /// All runs, by their uids.
    pub(super) runs: &'a BTreeMap<Box<str>, Run>,
    pub(super) assertions: &'a AssertionIndex,
    pub(super) key: &'a VariableKey,
    /// The runs that declare the variable.
    pub(super) declaring: Vec<&'a Run>,
}

/// What is to be done about outcomes, by when to do it.
#[derive(Default)]
pub(super) struct OutcomeChanges {
    ended: Vec<Mutation>,
    asserted: Vec<Mutation>,
    replaced: Vec<Mutation>,
    /// By the uid of the run.
    settled: Vec<(Box<str>, VariableName)>,
}

impl OutcomeChanges {
    /// Adds the mutations to `decisions`; returns the runs and variables about which nothing is
    /// left to do.
    ///
    /// A failure wins over a success, so what has ended goes first. What is replaced goes last, so
    /// that the variable does not vanish in between.
    pub(super) fn carry_out_in(self, decisions: &mut Decisions) -> Vec<(Box<str>, VariableName)> {
        let Self {
            ended,
            asserted,
            replaced,
            settled,
        } = self;
        let mutations = [ended, asserted, replaced].into_iter().flatten();
        decisions.mutations.extend(mutations);
        settled
    }
}

impl<'a> Statements<'a> {
    /// Adds to `changes` what makes the variable true.
    pub(super) fn judge(&self, now: Timestamp, changes: &mut OutcomeChanges) {
        let (ended, stored): (Vec<_>, Vec<_>) = self
            .stored(self.key)
            .partition(|statement| self.is_ended(statement));
        let (settled, missing): (Vec<_>, Vec<_>) = self
            .unsettled()
            .partition(|it| self.is_stored(it) || self.is_ended(it));
        let current: Vec<_> = stored.iter().chain(&missing).copied().collect();
        let is_replaced = |it: &Statement<'_>| current.iter().any(|newer| it.is_replaced_by(newer));
        let (replaced, _): (Vec<_>, Vec<_>) = stored.into_iter().partition(is_replaced);
        let (late, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_replaced);

        let withdraw = |it| withdraw(self.key, it);
        changes.ended.extend(ended.iter().map(withdraw));
        changes.replaced.extend(replaced.iter().map(withdraw));
        let assert = |it| assert(self.key, it, now);
        changes.asserted.extend(missing.iter().map(assert));
        let settled = settled.iter().chain(&late);
        let settled = settled.map(|it| (it.producer.uid.clone(), self.key.name.clone()));
        changes.settled.extend(settled);
    }

    /// Returns what the runs state that have ended, unless nothing is left to do about it.
    fn unsettled(&self) -> impl Iterator<Item = Statement<'a>> {
        let name = &self.key.name;
        let runs = self.declaring.iter();
        let unsettled = runs.filter(|run| !run.settled.contains(name));
        unsettled.filter_map(|run| run.statement(name))
    }

    fn is_stored(&self, statement: &Statement<'_>) -> bool {
        let mut stored = self.stored(self.key);
        stored.any(|it| it.producer == statement.producer)
    }

    /// Returns the statements that the durable assertions of a variable make.
    fn stored(&self, key: &VariableKey) -> impl Iterator<Item = Statement<'a>> + use<'a> {
        let runs = self.runs;
        let durable: &'a [Arc<Assertion>] = self.assertions.durable(key);
        durable.iter().filter_map(move |assertion| {
            let owner = assertion.id.asserter.owner()?;
            Statement::of(assertion, runs.get(&owner.uid))
        })
    }

    /// Returns whether something newer has ended a statement about the variable: another run, or
    /// the trace that a run has left that is not known any more.
    fn is_ended(&self, statement: &Statement<'_>) -> bool {
        let mut runs = self.declaring.iter();
        runs.any(|run| run.ends(statement, &self.key.name)) || self.is_contradicted(statement)
    }

    fn is_contradicted(&self, statement: &Statement<'_>) -> bool {
        let Some((run, end)) = statement.run.and_then(|run| Some((run, run.end?))) else {
            return false;
        };
        let signals = run.signals();
        let opposite = end.outcome.opposite();
        let is_newer = |other: &Statement<'_>| match opposite {
            Outcome::Failure => other.at >= statement.at,
            Outcome::Success => other.at > statement.at,
        };
        signals.of(opposite).iter().any(|signal| {
            let key = VariableKey::new(self.key.namespace.clone(), signal.name.clone());
            self.stored(&key)
                .any(|other| other.is(opposite, signals, &signal.name) && is_newer(&other))
        })
    }
}

fn withdraw(key: &VariableKey, statement: &Statement<'_>) -> Mutation {
    let id = AssertionId {
        object: statement.object.map(Into::into),
        ..id(statement.producer)
    };
    Mutation {
        key: key.clone(),
        action: Action::Withdraw(id),
    }
}

/// The assertion is as old as the outcome that it tells of.
fn assert(key: &VariableKey, statement: &Statement<'_>, now: Timestamp) -> Mutation {
    Mutation {
        key: key.clone(),
        action: Action::Assert {
            assertion: Assertion {
                id: id(statement.producer),
                value: statement.value.cloned(),
                since: statement.at.min(now),
                expires: None,
            },
            existing: Existing::Replace,
        },
    }
}

fn id(producer: &Owner) -> AssertionId {
    AssertionId::of(producer.clone(), Kind::Durable)
}
