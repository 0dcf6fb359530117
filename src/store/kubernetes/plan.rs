//! What a mutation writes, decided by what this replica knows: pure.

use oncue_signals::{Signal, SignalError, patch};
use serde_json::Value;

use super::{
    replica::{ObjectState, Place, Replica, new_object_bytes},
    skipped::SkippedObject,
};
use crate::{
    memory::Exhausted,
    store::{Action, Effect, Mutation, Step, Update, variables},
};

/// What a mutation does, and the requests that do it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) step: Step,
    pub(super) writes: Vec<Write>,
    /// The bytes that it will take.
    pub(super) growth: usize,
}

/// One change of one object.
#[derive(Debug)]
pub(super) enum Write {
    Change { place: Place, patch: Value },
    Create(Box<Signal>),
    Delete { place: Place, state: ObjectState },
}

/// Why nothing is written.
#[derive(Debug)]
pub(super) enum NoPlan {
    /// No object can say this.
    Invalid(SignalError),
    /// The variables have reached their memory limit.
    OverBudget(Exhausted),
}

impl Plan {
    /// Returns what `mutation` does by what `replica` knows.
    pub(super) fn of(mutation: &Mutation, replica: &Replica) -> Result<Self, NoPlan> {
        let mut step = mutation.decide(replica.variables());
        let growth = growth(&step.updates, replica);
        if growth > 0 {
            let checked = replica.check_write(&mutation.key.namespace, growth);
            checked.map_err(NoPlan::OverBudget)?;
        }
        let writes = step.updates.iter().filter_map(|it| Write::of(it, replica));
        let mut writes: Vec<_> = writes.collect::<Result<_, _>>().map_err(NoPlan::Invalid)?;
        let unseen = of_skipped(mutation, replica);
        if step.effect == Effect::Unchanged && !unseen.is_empty() {
            step.effect = match replica.variables().get(&mutation.key) {
                Some(_) => Effect::Changed,
                None => Effect::Deleted,
            };
        }
        writes.extend(unseen);
        Ok(Self {
            step,
            writes,
            growth,
        })
    }
}

/// Returns the deletions of the objects that are skipped here, and are to be gone, too.
fn of_skipped(mutation: &Mutation, replica: &Replica) -> Vec<Write> {
    let objects = replica.skipped().of_variable(&mutation.key);
    let delete = |(place, object): (&Place, &SkippedObject)| Write::Delete {
        place: place.clone(),
        state: object.state.clone(),
    };
    match &mutation.action {
        Action::Delete => objects.map(delete).collect(),
        Action::Withdraw(id) => {
            let withdrawn = Place::of(&mutation.key, id);
            let objects = objects.filter(|(place, _)| **place == withdrawn);
            objects.map(delete).collect()
        }
        // Nobody knows here when a skipped one expires.
        Action::Assert { .. } | Action::Expire { .. } => Vec::new(),
    }
}

impl Write {
    /// Returns what makes one update; nothing if there is no object that could be deleted.
    fn of(update: &Update, replica: &Replica) -> Option<Result<Self, SignalError>> {
        let Update { key, before, after } = update;
        let place = Place::of(key, update.id());
        let state = replica.object(&place).cloned();
        match (before, after, state) {
            (Some(before), Some(after), Some(state)) => Some(Ok(Self::Change {
                place,
                patch: patch((before, after), (&state.uid, &state.version.to_string())),
            })),
            (_, Some(after), _) => {
                let signal = Signal::try_from((key, &**after));
                Some(signal.map(Box::new).map(Self::Create))
            }
            (_, None, Some(state)) => Some(Ok(Self::Delete { place, state })),
            (_, None, None) => None,
        }
    }
}

/// Returns the bytes that updates will take, their objects included.
fn growth(updates: &[Update], replica: &Replica) -> usize {
    let new = updates.iter().filter(|it| it.before.is_none());
    let objects = new.map(|it| new_object_bytes(&Place::of(&it.key, it.id())));
    objects.sum::<usize>() + variables::growth(replica.variables(), updates)
}
