//! Carries out a mutation: decides, writes, and waits until the watch has shown the result.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use oncue_language::Namespace;
use oncue_signals::{Signal, SignalSpec};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Kubernetes,
    plan::{NoPlan, Plan, Write},
    refusal::Failure,
    replica::{Place, version},
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
        let mut perhaps = None;
        loop {
            let plan = self.mirror.with(|replica| Plan::of(mutation, replica));
            let plan = plan.map_err(StoreError::from)?;
            match self.write_all(&plan.writes, &mutation.key.namespace).await {
                Ok(written) => {
                    let committed = self.committed(mutation, plan.step, &written);
                    return Ok(as_made_before(committed, perhaps));
                }
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(passing)) => {
                    if passing.may_be_made {
                        perhaps.get_or_insert(plan.step.effect);
                    }
                    *reason.lock() = passing.reason;
                }
            }
            pause.after_failure().await;
        }
    }

    fn committed(&self, mutation: &Mutation, step: Step, written: &[Written]) -> Committed {
        let Some(id) = mutation.assertion().filter(|_| step.assertion.is_some()) else {
            return Committed {
                effect: step.effect,
                assertion: None,
            };
        };
        self.mirror.with(|replica| Committed {
            effect: match step.effect {
                _ if written.contains(&Written::Elsewhere) => Effect::Unchanged,
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

    async fn write_all(
        &self,
        writes: &[Write],
        namespace: &Namespace,
    ) -> Result<Vec<Written>, Failure> {
        let writes = writes.iter().map(|it| self.write(it, namespace).boxed());
        let writes = stream::iter(writes.collect::<Vec<_>>());
        writes.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn write(&self, write: &Write, namespace: &Namespace) -> Result<Written, Failure> {
        let failure = |error| Failure::of(error, namespace);
        match write {
            Write::Change {
                place,
                state,
                patch,
            } => {
                let changed = self.requests.change(place, state, patch.clone()).await;
                if let Err(ApiError::NotFound(_)) = &changed {
                    self.shown(self.mirror.shows_end(place, &state.uid)).await?;
                }
                let version = changed.map_err(failure)?;
                self.shown(self.mirror.shows_version(version)).await?;
            }
            Write::Create(signal) => return self.create(signal, namespace).await,
            Write::Delete { place, state } => {
                match self.requests.delete(place, state).await {
                    Ok(()) | Err(ApiError::NotFound(_)) => {}
                    Err(error) => return Err(failure(error)),
                }
                self.shown(self.mirror.shows_end(place, &state.uid)).await?;
            }
        }
        Ok(Written::Here)
    }

    async fn create(&self, signal: &Signal, namespace: &Namespace) -> Result<Written, Failure> {
        match self.requests.create(signal).await {
            Ok(version) => {
                self.shown(self.mirror.shows_version(version)).await?;
                Ok(Written::Here)
            }
            Err(ApiError::Conflict(_)) => self.find(signal, namespace).await,
            Err(error) => Err(Failure::of(error, namespace)),
        }
    }

    /// Finds out what has the name of an object that was to be created: often the same, from
    /// another replica.
    async fn find(&self, signal: &Signal, namespace: &Namespace) -> Result<Written, Failure> {
        let name = signal.metadata.name.as_deref().unwrap_or_default();
        let place = Place {
            namespace: namespace.as_str().into(),
            name: name.into(),
        };
        let found = self.requests.get(&place).await;
        let Some(found) = found.map_err(|error| Failure::of(error, namespace))? else {
            return Err(Failure::passing(format!(
                "the signal {name} comes and goes"
            )));
        };
        if found.metadata.deletion_timestamp.is_some() {
            let text = format!("the signal {name} is being deleted: a finalizer keeps it");
            return Err(Failure::passing(text));
        }
        self.shown(
            self.mirror
                .shows_version(version(&found).unwrap_or_default()),
        )
        .await?;
        match SignalSpec::read(&found.data["spec"]) {
            Ok(spec) if says_the_same(&spec, &signal.spec) => Ok(Written::Elsewhere),
            Ok(spec) if is_same_assertion(&spec, &signal.spec) => {
                Err(Failure::passing("it was changed meanwhile"))
            }
            _ => Err(Failure::Lasting(StoreError::Refused(Refusal::Occupied {
                namespace: namespace.clone(),
                name: name.to_owned(),
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

/// If nothing was left to do after a try whose answer was lost, that try has done it.
fn as_made_before(committed: Committed, perhaps: Option<Effect>) -> Committed {
    match (committed.effect, perhaps) {
        (Effect::Unchanged, Some(effect)) => Committed {
            effect,
            ..committed
        },
        _ => committed,
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

/// How many objects of one mutation are written at once.
const AT_ONCE: usize = 16;

const SLOW: &str = "too many writes are under way, or the API server is slow";
