//! Asserts and withdraws what pods and Jobs imply, as the pure [`Life`] decides.

mod writer;

use std::sync::Arc;

use futures_util::FutureExt;
use kube::core::GroupVersion;
use serde_json::Value;
use tracing::{info, warn};

use self::writer::Writer;
use super::{
    Context,
    assertions::{AssertionNews, Assertions},
    confirmations::{Confirmations, Confirmed},
    metrics::Metrics,
    pods::{PodNews, PodReader},
    until,
};
use crate::{
    cluster::{Observation, Observations, Watched, resource},
    language::{Keys, Owner, Timestamp, VariableKey},
    life::{Decisions, Life, ObservedJob, ObservedPod},
    store::Store,
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
    metrics: Metrics,
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
            metrics: metrics.clone(),
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
            self.act();
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
            abandoned = self.writer.progress() => if let Some(mutation) = abandoned {
                self.life.mutation_abandoned(&mutation);
            },
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
        let Some(pod) = found else {
            if self.leads && !self.life.has_seen(&id) {
                self.tell_of_stranger(&id);
            }
            return self.life.pod_confirmed(&id, None);
        };
        // One that cannot be read exists all the same.
        if let Some(pod) = self.read_pod(&pod) {
            self.life.pod_confirmed(&id, Some(pod));
        }
    }

    /// Someone has signalled for a pod that does not exist, or that was gone before we looked.
    fn tell_of_stranger(&self, id: &Owner) {
        let Owner { name, uid, .. } = id;
        for (
            VariableKey {
                namespace,
                name: variable,
            },
            assertion,
        ) in self.life.signals_of(id)
        {
            // Without one, the object has the name that follows from the rest.
            let object = assertion.object.as_deref();
            info!(%namespace, %variable, object, pod = %name, %uid, "withdrawing the signal of a pod that does not exist");
        }
        self.metrics.stranger();
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
    fn act(&mut self) {
        if !self.leads {
            self.writer.forget();
            self.next = self.life.stand_by(self.store.now());
            return;
        }
        let now = self.store.now();
        let Decisions {
            mutations,
            confirm,
            next,
        } = self.life.decide(now);
        self.confirmations.ask(confirm);
        self.next = next;
        let life = &self.life;
        self.writer.write(mutations, |it| life.wants(it, now));
    }
}

const OBSERVED_TOGETHER: usize = 1000;
