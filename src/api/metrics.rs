//! What the API counts, and what it reads off the store when it is asked.

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use strum::IntoStaticStr;

use crate::{
    life::Asserter,
    store::{Effect, State, Stats, Store},
};

/// What the API counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    creates: Family<CreateLabels, Counter>,
    wait_answers: Family<WaitLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    audit_left_out: Family<AuditLabels, Counter>,
    commit_duration: Histogram,
}

impl Metrics {
    /// Registers what is counted, and how much `store` holds.
    pub fn register(store: &Store, registry: &mut Registry) -> Self {
        let metrics = Self {
            creates: Family::default(),
            wait_answers: Family::default(),
            refusals: Family::default(),
            audit_left_out: Family::default(),
            commit_duration: Histogram::new(exponential_buckets(SHORTEST_COMMIT, 2.0, 16)),
        };
        let registry = registry.sub_registry_with_prefix("store");
        registry.register(
            "creates",
            "Assertions, by who made them (a pod's marker or waiting container, or a person or tool) and by what they made of their variable",
            metrics.creates.clone(),
        );
        registry.register(
            "wait_answers",
            "Answers to waits, by what became of the terms",
            metrics.wait_answers.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests whose caller is not known or may not do this, by reason",
            metrics.refusals.clone(),
        );
        registry.register(
            "audit_lines_left_out",
            "Audit lines that were not logged because there were too many, by kind",
            metrics.audit_left_out.clone(),
        );
        registry.register_with_unit(
            "commit_duration",
            "Time until a change was durable and visible",
            Unit::Seconds,
            metrics.commit_duration.clone(),
        );
        registry.register_collector(Box::new(StoreCollector(store.clone())));
        metrics
    }

    /// Counts an assertion; `None` is one that failed.
    pub(super) fn asserted(&self, cause: Cause, effect: Option<Effect>) {
        let result = match effect {
            Some(Effect::Created) => "created",
            Some(Effect::Changed) => "changed",
            Some(Effect::Deleted | Effect::Unchanged) => "unchanged",
            None => "failed",
        };
        let labels = CreateLabels {
            cause: cause.into(),
            result,
        };
        self.creates.get_or_create(&labels).inc();
    }

    /// Counts an answer to a wait; `None` is one that was turned away.
    pub(super) fn answered(&self, outcome: Option<State>) {
        let outcome = outcome.map_or("refused", State::into);
        self.wait_answers
            .get_or_create(&WaitLabels { outcome })
            .inc();
    }

    /// Counts a request whose caller is not known or may not do this.
    pub(super) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// Counts an audit line that was left out.
    pub(super) fn audit_left_out(&self, kind: &'static str) {
        self.audit_left_out
            .get_or_create(&AuditLabels { kind })
            .inc();
    }

    /// Counts a change that took `time` to be kept.
    pub(super) fn committed(&self, time: Duration) {
        self.commit_duration.observe(time.as_secs_f64());
    }
}

/// The upper end of the shortest bucket, in seconds: a commit to memory takes less.
const SHORTEST_COMMIT: f64 = 0.000_05;

/// Where an assertion over the API comes from.
#[derive(Clone, Copy, Debug, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Cause {
    /// A person or a tool.
    Hand,
    /// A pod: its marker, or its waiting container.
    Marker,
}

impl From<&Asserter> for Cause {
    fn from(asserter: &Asserter) -> Self {
        match asserter {
            Asserter::Hand => Self::Hand,
            Asserter::Owner(_) => Self::Marker,
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CreateLabels {
    cause: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct WaitLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RefusalLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct AuditLabels {
    kind: &'static str,
}

/// Reads off the store how much it holds.
#[derive(Debug)]
struct StoreCollector(Store);

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Stats {
            variables,
            waiters,
            watchers,
        } = self.0.stats();
        for (name, help, count) in [
            ("variables", "Variables that exist", variables),
            ("waiters", "Waits that are held", waiters),
            ("watchers", "Watches that are served", watchers),
        ] {
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
