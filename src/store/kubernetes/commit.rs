//! Carries out a mutation: decides, writes, and waits until the watch has shown the result.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use oncue_language::{Namespace, escape::Escaped};
use oncue_signals::{Signal, SignalSpec};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use super::{
    Kubernetes,
    plan::{NoPlan, Write},
    refusal::{Failure, is_gone},
    replica::{ObjectState, Place, version},
    requirement::check_kept,
    writers::Shown,
};
use crate::{
    cluster::ApiError,
    outage::Pause,
    store::{Effect, Mutation, Refusal, Step, StoreError, backend::Committed},
};

/// What came of one write that has been shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Written {
    /// This replica wrote it.
    Here,
    /// Another one wrote the same before.
    Elsewhere,
}

impl Kubernetes {
    /// Carries out a mutation within [`PATIENCE`].
    pub(super) async fn carry_out(&self, mutation: Mutation) -> Result<Committed, StoreError> {
        let reason = Mutex::new(SLOW.to_owned());
        let deadline = Instant::now() + PATIENCE;
        let tries = self.try_until_done(&mutation, &reason);
        let done = timeout_at(deadline, tries).await;
        done.unwrap_or_else(|_| Err(StoreError::Unavailable(reason.into_inner())))
    }

    /// Decides and writes until nothing has changed in between. Notes why it tries again.
    async fn try_until_done(
        &self,
        mutation: &Mutation,
        reason: &Mutex<String>,
    ) -> Result<Committed, StoreError> {
        let mut pause = Pause::default();
        let mut tries = Tries::default();
        loop {
            let passing = match self.try_once(mutation, &mut tries.done).await {
                Ok(committed) => return Ok(committed),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(passing)) => passing,
            };
            let patience = tries.patience(passing.becomes)?;
            *reason.lock() = passing.reason;
            let _is_over = timeout(patience, pause.after_failure()).await;
        }
    }

    async fn try_once(
        &self,
        mutation: &Mutation,
        done: &mut Option<Effect>,
    ) -> Result<Committed, Failure> {
        let planned = self.mirror.plan(mutation);
        let (plan, _reservation) = planned.map_err(|reason| Failure::Lasting(reason.into()))?;
        let results = self.write_all(&plan.writes, &mutation.key.namespace).await;
        let is_done = |result: &Result<Written, Failure>| match result {
            Ok(written) => *written == Written::Here,
            Err(failure) => failure.may_be_made(),
        };
        if results.iter().any(is_done) {
            *done = Some(strongest(*done, plan.step.effect));
        }
        first_failure(results)?;
        Ok(self.committed(mutation, plan.step, done.unwrap_or(Effect::Unchanged)))
    }

    fn committed(&self, mutation: &Mutation, step: Step, effect: Effect) -> Committed {
        let Some(id) = mutation.assertion().filter(|_| step.assertion.is_some()) else {
            return Committed {
                effect,
                assertion: None,
            };
        };
        self.mirror.with(|replica| Committed {
            effect: match effect {
                // Of concurrent writes, one is the first in the order of the watch.
                Effect::Created => match replica.made_variable(&Place::of(&mutation.key, id)) {
                    Some(false) => Effect::Changed,
                    None | Some(true) => Effect::Created,
                },
                effect => effect,
            },
            // Someone may have withdrawn it meanwhile.
            assertion: replica.assertion(&mutation.key, id).or(step.assertion),
        })
    }

    /// Makes all writes, even if some fail: what was made counts.
    async fn write_all(
        &self,
        writes: &[Write],
        namespace: &Namespace,
    ) -> Vec<Result<Written, Failure>> {
        let writes = writes.iter().map(|it| self.write(it, namespace).boxed());
        let writes = stream::iter(writes.collect::<Vec<_>>());
        writes.buffer_unordered(AT_ONCE).collect().await
    }

    async fn write(&self, write: &Write, namespace: &Namespace) -> Result<Written, Failure> {
        let failure = |error| Failure::of(error, namespace);
        match write {
            Write::Change { place, patch } => {
                let changed = self.requests.change(place, patch).await;
                let version = changed.map_err(failure)?;
                self.shown(self.mirror.shows_version(version)).await?;
            }
            Write::Create(signal) => return self.create(signal, namespace).await,
            Write::Delete { place, state } => {
                match self.requests.delete(place, state).await {
                    Err(error) if !is_gone(&error) => return Err(failure(error)),
                    Ok(()) | Err(_) => {}
                }
                self.shown(self.mirror.shows_end(place, &state.uid)).await?;
            }
        }
        Ok(Written::Here)
    }

    async fn create(&self, signal: &Signal, namespace: &Namespace) -> Result<Written, Failure> {
        let place = place_of(signal, namespace);
        let before = self.mirror.shown();
        let (state, kept) = match self.requests.create(signal).await {
            Ok(created) => created,
            Err(ApiError::Conflict(_)) => return self.find(signal, place, namespace).await,
            Err(error) => return Err(Failure::of(error, namespace)),
        };
        if let Err(text) = check_kept(&signal.spec, &kept) {
            self.take_back(&place, &state).await;
            return Err(Failure::Lasting(StoreError::Unavailable(text)));
        }
        if state.version <= before {
            self.mirror.note_backwards();
        }
        self.shown(self.mirror.shows_version(state.version)).await?;
        let held = self.check_held(&place);
        if held.is_err() {
            self.take_back(&place, &state).await;
        }
        held.map(|()| Written::Here)
    }

    /// Checks that this replica did not skip an object that the watch has shown: others may have
    /// taken the memory meanwhile.
    fn check_held(&self, place: &Place) -> Result<(), Failure> {
        match self.mirror.with(|replica| replica.skipped_for(place)) {
            Some(exhausted) => Err(Failure::Lasting(StoreError::OverLimit(exhausted))),
            None => Ok(()),
        }
    }

    /// Deletes an object of this replica that is not acknowledged.
    async fn take_back(&self, place: &Place, state: &ObjectState) {
        if let Err(error) = self.requests.delete(place, state).await
            && !is_gone(&error)
        {
            let Place { namespace, name } = place;
            let error = Escaped(&error);
            warn!(%namespace, signal = %name, %error, "failed to delete a signal that was refused");
        }
    }

    /// Finds out what has the name of an object that was to be created: often the same, from
    /// another replica.
    async fn find(
        &self,
        signal: &Signal,
        place: Place,
        namespace: &Namespace,
    ) -> Result<Written, Failure> {
        let name = &place.name;
        let found = self.requests.get(&place).await;
        let Some(found) = found.map_err(|error| Failure::of(error, namespace))? else {
            return Err(Failure::passing(format!(
                "the signal {name} comes and goes"
            )));
        };
        if found.metadata.deletion_timestamp.is_some() {
            let deleting = Refusal::Deleting {
                namespace: namespace.clone(),
                name: name.to_string(),
            };
            return Err(Failure::refused_after(DELETED_WITHIN, deleting));
        }
        self.shown(
            self.mirror
                .shows_version(version(&found).unwrap_or_default()),
        )
        .await?;
        match SignalSpec::read(&found.data["spec"]) {
            Ok(spec) if says_the_same(&spec, &signal.spec) => {
                self.check_held(&place)?;
                Ok(Written::Elsewhere)
            }
            Ok(spec) if is_same_assertion(&spec, &signal.spec) => {
                Err(Failure::passing("it was changed meanwhile"))
            }
            _ => Err(Failure::Lasting(StoreError::Refused(Refusal::Occupied {
                namespace: namespace.clone(),
                name: name.to_string(),
            }))),
        }
    }

    async fn shown(&self, shown: Shown) -> Result<(), Failure> {
        let begin = Instant::now();
        let in_time = timeout(SHOWN_WITHIN, shown).await;
        self.metrics.shown_after(begin.elapsed().as_secs_f64());
        match in_time {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Failure::Lasting(StoreError::Closed)),
            Err(_) => Err(Failure::Lasting(StoreError::NotShown(SHOWN_WITHIN))),
        }
    }
}

/// What the tries of one mutation have come to.
#[derive(Default)]
struct Tries {
    /// The strongest effect of what was written, or may have been.
    done: Option<Effect>,
    /// Since when every try was refused.
    refused_since: Option<Instant>,
}

impl Tries {
    /// Returns how long the next try may wait after a failure that becomes this refusal.
    fn patience(&mut self, becomes: Option<(Duration, Refusal)>) -> Result<Duration, StoreError> {
        let Some((within, refusal)) = becomes else {
            self.refused_since = None;
            return Ok(PATIENCE);
        };
        let since = self.refused_since.get_or_insert_with(Instant::now);
        match within.saturating_sub(since.elapsed()) {
            Duration::ZERO => Err(StoreError::Refused(refusal)),
            rest => Ok(rest),
        }
    }
}

/// A try that finds nothing left to do takes nothing away from what one before it has done.
fn strongest(done: Option<Effect>, effect: Effect) -> Effect {
    let strength = |effect: &Effect| match effect {
        Effect::Unchanged => 0,
        Effect::Changed => 1,
        Effect::Created | Effect::Deleted => 2,
    };
    done.into_iter()
        .chain([effect])
        .max_by_key(strength)
        .unwrap_or(effect)
}

/// Returns a failure if there is any: a lasting one rather than others.
fn first_failure(results: Vec<Result<Written, Failure>>) -> Result<(), Failure> {
    let mut failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let is_lasting = |failure: &Failure| matches!(failure, Failure::Lasting(_));
    let first = failures.iter().position(is_lasting).unwrap_or_default();
    if failures.is_empty() {
        return Ok(());
    }
    Err(failures.swap_remove(first))
}

fn place_of(signal: &Signal, namespace: &Namespace) -> Place {
    let name = signal.metadata.name.as_deref().unwrap_or_default();
    Place {
        namespace: namespace.as_str().into(),
        name: name.into(),
    }
}

/// Two replicas may have noted different times.
fn says_the_same(found: &SignalSpec, wanted: &SignalSpec) -> bool {
    let without_since = |spec: &SignalSpec| SignalSpec {
        since: None,
        ..spec.clone()
    };
    without_since(found) == without_since(wanted)
}

fn is_same_assertion(found: &SignalSpec, wanted: &SignalSpec) -> bool {
    (&found.variable, found.kind, &found.owner) == (&wanted.variable, wanted.kind, &wanted.owner)
}

impl From<NoPlan> for StoreError {
    fn from(reason: NoPlan) -> Self {
        match reason {
            NoPlan::Invalid(error) => Self::Refused(Refusal::Invalid(error.to_string())),
            NoPlan::OverBudget(exhausted) => Self::OverLimit(exhausted),
        }
    }
}

/// How long a write may take in all.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the watch may take to show a write.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// How long an object that is being deleted may take until it is gone.
const DELETED_WITHIN: Duration = Duration::from_secs(2);

/// How many objects of one mutation are written at once.
const AT_ONCE: usize = 16;

const SLOW: &str = "too many writes are under way, or the API server is slow";
