//! What a mutation writes, decided by what this replica knows: pure.

use oncue_signals::{Signal, SignalError};
use serde_json::{Value, json};

use super::replica::{ObjectState, Place, Replica};
use crate::{
    life::Assertion,
    memory::Exhausted,
    store::{Mutation, Step, Update, variables},
};

/// What a mutation does, and the requests that do it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) step: Step,
    pub(super) writes: Vec<Write>,
}

/// One change of one object.
#[derive(Debug)]
pub(super) enum Write {
    Change {
        place: Place,
        state: ObjectState,
        patch: Value,
    },
    Create(Box<Signal>),
    Delete {
        place: Place,
        state: ObjectState,
    },
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
        let step = mutation.decide(replica.variables());
        check_room(&step.updates, replica)?;
        let writes = step.updates.iter().filter_map(|it| Write::of(it, replica));
        let writes = writes.collect::<Result<_, _>>().map_err(NoPlan::Invalid)?;
        Ok(Self { step, writes })
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
                state,
                patch: patch(before, after),
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

/// Returns the merge patch from one state of an assertion to another. Its object keeps the time of
/// its creation, so it has to say since when another value holds.
fn patch(before: &Assertion, after: &Assertion) -> Value {
    let mut spec = json!({"value": after.value, "expires": after.expires});
    if before.since != after.since {
        spec["since"] = json!(after.since);
    }
    json!({"spec": spec})
}

fn check_room(updates: &[Update], replica: &Replica) -> Result<(), NoPlan> {
    let growth = variables::growth(replica.variables(), updates);
    let Some(first) = updates.first().filter(|_| growth > 0) else {
        return Ok(());
    };
    let checked = replica.check_room(&first.key, growth);
    checked.map_err(NoPlan::OverBudget)
}
