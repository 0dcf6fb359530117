//! Asserts and withdraws what pods and Jobs imply, as the pure [`Life`] decides.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use kube::core::GroupVersion;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{
    Context,
    assertions::{AssertionNews, Assertions},
    confirmations::{Confirmations, Confirmed},
    metrics::Metrics,
    objects::resource,
    observations::{Observation, Observations, Watched},
    pods::{PodNews, PodReader},
    until,
};
use crate::{
    language::{Keys, Timestamp, VariableKey},
    leadership::NotLeader,
    life::{Decisions, Life, ObservedJob, ObservedPod},
    outage::Outage,
    store::{Action, Effect, Mutation, Store, StoreError},
};

/// The task that keeps variables true.
pub(super) struct LifeTask {
    life: Life,
    assertions: Assertions,
    confirmations: Confirmations,
    jobs: Observations,
    pods: PodReader,
    writer: Writer,
    keys: Keys,
    store: Store,
    /// Whether this replica decides, as far as this was taken note of.
    leads: bool,
    /// When to decide again without anything new.
    next: Option<Timestamp>,
}

impl LifeTask {
    pub(super) fn new(context: &Context, pods: PodReader) -> Self {
        let Context {
            client,
            store,
            keys,
            metrics,
            ..
        } = context;
        let jobs = resource(&GroupVersion::gv("batch", "v1"), "jobs");
        Self {
            life: Life::default(),
            assertions: Assertions::of(store.clone()),
            confirmations: Confirmations::of(client.clone()),
            jobs: Observations::of(client.clone(), jobs, Watched::default()),
            pods,
            writer: Writer::of(store.clone(), metrics.clone()),
            keys: keys.clone(),
            leads: store.leadership().is_held(),
            store: store.clone(),
            next: None,
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            self.observe().await;
            // What is there already is observed too, so that it is written together.
            for _ in 0..OBSERVED_TOGETHER {
                if self.observe().now_or_never().is_none() {
                    break;
                }
            }
            self.act().await;
        }
    }

    /// Waits until something is new, and takes note of it. Cancelling loses nothing.
    async fn observe(&mut self) {
        let is_due = until(self.next, self.store.now());
        tokio::select! {
            news = self.assertions.next() => self.take_over(news),
            confirmed = self.confirmations.next() => self.confirm(confirmed),
            seen = self.jobs.next() => self.see_job(seen),
            news = self.pods.next() => self.see_pod(&news),
            failed = self.writer.failed() => failed.iter().for_each(|it| self.life.mutation_failed(it)),
            () = self.store.leadership().changes_from(self.leads) => self.change_leadership(),
            () = is_due => self.next = None,
        }
    }

    fn change_leadership(&mut self) {
        self.leads = !self.leads;
        if self.leads {
            self.life.take_over();
        }
    }

    fn take_over(&mut self, news: AssertionNews) {
        match news {
            AssertionNews::All(variables) => self.life.reset_assertions(&variables),
            AssertionNews::One(update) => self.life.assertion_changed(&update),
        }
    }

    fn confirm(&mut self, Confirmed { id, found }: Confirmed) {
        match found {
            Some(pod) => {
                // One that cannot be read exists all the same.
                if let Some(pod) = self.read_pod(&pod) {
                    self.life.pod_confirmed(&id, Some(pod));
                }
            }
            None => self.life.pod_confirmed(&id, None),
        }
    }

    fn see_pod(&mut self, news: &PodNews) {
        match news {
            PodNews::Gone(id) => self.life.pod_missing(id),
            PodNews::Listed => self.life.pods_listed(),
            PodNews::Listing => self.life.pods_listing(),
            PodNews::Pod(pod) => self.life.observe_pod(Arc::clone(&pod.observed)),
        }
    }

    fn see_job(&mut self, seen: Observation) {
        match seen {
            Observation::Failed(_) => {}
            Observation::Gone(job) => {
                if let Some(job) = self.read_job(&job) {
                    self.life.job_gone(&job.id);
                }
            }
            Observation::Listed => self.life.jobs_listed(),
            Observation::Listing => self.life.jobs_listing(),
            Observation::Object(job) => {
                if let Some(job) = self.read_job(&job) {
                    self.life.observe_job(job);
                }
            }
        }
    }

    fn read_pod(&self, pod: &Value) -> Option<ObservedPod> {
        let read = ObservedPod::read(pod, &self.keys);
        read.inspect_err(|error| warn!(%error, "a pod cannot be read"))
            .ok()
    }

    fn read_job(&self, job: &Value) -> Option<ObservedJob> {
        let read = ObservedJob::read(job, &self.keys);
        read.inspect_err(|error| warn!(%error, "a Job cannot be read"))
            .ok()
    }

    /// Does what follows from everything that was observed, if this replica leads.
    async fn act(&mut self) {
        if !self.leads {
            self.next = self.life.stand_by(self.store.now());
            return;
        }
        let Decisions {
            mutations,
            confirm,
            next,
        } = self.life.decide(self.store.now());
        self.confirmations.ask(confirm);
        self.next = next;
        self.writer.write(mutations).await;
    }
}

/// Makes changes of variables, and keeps those that failed until they may be tried again.
struct Writer {
    store: Store,
    metrics: Metrics,
    outage: Outage,
    failed: Vec<Mutation>,
    /// When the failed ones may be decided again.
    retry: Instant,
}

impl Writer {
    fn of(store: Store, metrics: Metrics) -> Self {
        Self {
            store,
            metrics,
            outage: Outage::of("change of a variable"),
            failed: Vec::new(),
            retry: Instant::now(),
        }
    }

    /// Makes all changes in their order, except that several assertions, or several withdrawals, of
    /// different variables are made at the same time.
    async fn write(&mut self, mutations: Vec<Mutation>) {
        let is_assertion = |it: &Mutation| matches!(it.action, Action::Assert { .. });
        let mut results = Vec::new();
        for together in mutations.chunk_by(|a, b| is_assertion(a) == is_assertion(b)) {
            results.extend(write_together(&self.store, together).await);
        }
        self.note(results);
    }

    fn note(&mut self, results: Vec<Written>) {
        let mut refusal = None;
        let is_empty = results.is_empty();
        for (mutation, result) in results {
            match result {
                Ok(Effect::Unchanged) => {}
                Ok(_) => self.metrics.written(&mutation.action),
                Err(unwritten) => {
                    self.failed.push(mutation);
                    self.retry = Instant::now() + AFTER_FAILURE;
                    if let Unwritten::Failed(error) = unwritten {
                        self.metrics.failed();
                        refusal = refusal.or(Some(error));
                    }
                }
            }
        }
        match refusal {
            Some(error) => {
                self.outage.note(Err::<(), _>(error));
            }
            None if is_empty => {}
            None => self.outage.succeeded(),
        }
    }

    /// Waits until there are failed changes that may be tried again, and returns them.
    async fn failed(&mut self) -> Vec<Mutation> {
        if self.failed.is_empty() {
            return std::future::pending().await;
        }
        sleep_until(self.retry).await;
        std::mem::take(&mut self.failed)
    }
}

/// A change with its result.
type Written = (Mutation, Result<Effect, Unwritten>);

/// Why a change was not made.
enum Unwritten {
    Failed(StoreError),
    NotLeader,
}

/// Makes changes of several variables at the same time, those of one variable in their order.
async fn write_together(store: &Store, mutations: &[Mutation]) -> Vec<Written> {
    let mut by_variable = HashMap::<VariableKey, Vec<Mutation>>::new();
    for mutation in mutations {
        let of_variable = by_variable.entry(mutation.key.clone()).or_default();
        of_variable.push(mutation.clone());
    }
    let writes = by_variable.into_values();
    let written =
        stream::iter(writes.map(|of_variable| write_in_order(store.clone(), of_variable)))
            .buffer_unordered(WRITES_AT_ONCE);
    written.concat().await
}

async fn write_in_order(store: Store, mutations: Vec<Mutation>) -> Vec<Written> {
    let mut results = Vec::with_capacity(mutations.len());
    for mutation in mutations {
        let write = store.leadership().write(store.apply(mutation.clone()));
        let result = match write.await {
            Ok(Ok(committed)) => Ok(committed.effect),
            Ok(Err(error)) => Err(Unwritten::Failed(error)),
            Err(NotLeader) => Err(Unwritten::NotLeader),
        };
        results.push((mutation, result));
    }
    results
}

const AFTER_FAILURE: Duration = Duration::from_secs(1);
const OBSERVED_TOGETHER: usize = 1000;
const WRITES_AT_ONCE: usize = 64;
