//! Reports what pods wait for, as the pure [`Reporter`] decides.

mod writer;

use std::time::Duration;

use futures_util::FutureExt;
use tokio::{
    task::coop::consume_budget,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::debug;

use self::writer::{Failed, Writer};
use super::{
    Context,
    metrics::Metrics,
    pods::{PodNews, PodReader},
};
use crate::{
    language::Timestamp,
    reporting::{Reporter, Unjudged, WaitSummary},
    store::{Revision, Store},
};

/// The task that reports on pods. It only watches and decides; its [`Writer`] writes.
pub(super) struct ReportingTask {
    pods: PodReader,
    reporter: Reporter,
    writer: Writer,
    store: Store,
    metrics: Metrics,
    looks: Interval,
    judged: Judged,
    /// Whether this replica reports, as far as this was taken note of.
    leads: bool,
}

/// When the terms of all pods were judged last.
#[derive(Default)]
struct Judged {
    at: Timestamp,
    revision: Option<Revision>,
    /// How often they are still to be judged because pods have come or changed since: at first, the
    /// objects that they ask for are not known.
    again: u32,
}

impl ReportingTask {
    pub(super) fn new(context: &Context, pods: PodReader) -> Self {
        let mut looks = interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pods,
            reporter: Reporter::default(),
            writer: Writer::new(context),
            leads: context.store.leadership().is_held(),
            store: context.store.clone(),
            metrics: context.metrics.clone(),
            looks,
            judged: Judged::default(),
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            // Others have their turn too, however much is observed.
            consume_budget().await;
            tokio::select! {
                news = self.pods.next() => self.see(&news),
                Failed { pod, pause } = self.writer.failed() => {
                    self.reporter.condition_failed(&pod, self.store.now() + pause);
                }
                _ = self.looks.tick() => self.look().await,
            }
        }
    }

    fn see(&mut self, news: &PodNews) {
        match news {
            PodNews::Gone(id) => self.reporter.gone(id),
            PodNews::Listed => self.reporter.listed(),
            PodNews::Listing => self.reporter.listing(),
            PodNews::Pod(pod) => {
                self.reporter.observe(&pod.reported, self.store.now());
                self.judged.again = LOOKS_AT_NEW_PODS;
            }
        }
    }

    /// Judges, decides and writes, if this replica leads.
    async fn look(&mut self) {
        // What was seen already counts.
        while let Some(news) = self.pods.next().now_or_never() {
            self.see(&news);
            consume_budget().await;
        }
        let now = self.store.now();
        let led = std::mem::replace(&mut self.leads, self.store.leadership().is_held());
        if !self.leads {
            self.reporter.stand_by();
            // The leader shows what there is.
            self.metrics.waiting(&WaitSummary::default(), now);
            return;
        }
        if !led {
            self.reporter.take_over(now);
            self.judged = Judged {
                again: LOOKS_AT_NEW_PODS,
                ..Judged::default()
            };
        }
        self.judge_all(now).await;
        let reports = self.reporter.decide(now, self.writer.room());
        self.writer.write(reports);
        self.metrics.waiting(&self.reporter.summary(), now);
    }

    /// Judges the terms of all pods, unless nothing has changed since that was done last. A wait is
    /// held by no one for this: it would count twice.
    async fn judge_all(&mut self, now: Timestamp) {
        let present = self.store.revision();
        let is_unchanged = self.judged.revision == Some(present);
        if is_unchanged && self.judged.again == 0 && now < self.judged.at + LONGEST_UNJUDGED {
            return;
        }
        let (mut last, mut has_young) = (None, false);
        loop {
            let waits = self.reporter.unjudged(last, TOGETHER);
            if waits.is_empty() {
                break;
            }
            for unjudged in waits {
                last = Some(unjudged.wait);
                has_young |= self.judge(&unjudged);
            }
            tokio::task::yield_now().await;
        }
        self.judged = Judged {
            at: now,
            revision: Some(present),
            again: self.judged.again.saturating_sub(1).max(has_young.into()),
        };
    }

    /// Judges the terms of one pod. Returns whether a failure may count later that does not yet.
    fn judge(&mut self, unjudged: &Unjudged) -> bool {
        let Unjudged {
            wait,
            pod,
            created,
            conditions,
        } = unjudged;
        match self.store.judge_for_pod(pod, *created, conditions) {
            Ok(answer) => {
                let now = self.store.now();
                self.reporter.judged(*wait, &answer.terms, now);
                answer.grace.end().is_some()
            }
            Err(error) => {
                debug!(%error, "the terms of a pod cannot be judged");
                false
            }
        }
    }
}

/// How long a change takes at the most until it is seen.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// After which time terms are judged although no state has changed: the reason of an object may
/// have.
const LONGEST_UNJUDGED: Duration = Duration::from_secs(15);
const LOOKS_AT_NEW_PODS: u32 = 3;
/// How many pods are judged before others have their turn.
const TOGETHER: usize = 200;
