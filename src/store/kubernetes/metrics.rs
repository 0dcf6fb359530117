//! What the backend counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::skipped::{Skip, Skipped};

/// What the backend counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    writes: Family<WriteLabels, Counter>,
    skipped: Family<SkipLabels, Gauge>,
    watch_failures: Counter,
    is_watching: Gauge,
    shown: Histogram,
}

/// The result of a request, as metrics name it.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct WriteLabels {
    pub(super) verb: &'static str,
    pub(super) result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct SkipLabels {
    reason: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            writes: Family::default(),
            skipped: Family::default(),
            watch_failures: Counter::default(),
            is_watching: Gauge::default(),
            shown: Histogram::new(SHOWN_SECONDS),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "signal_writes",
            "Requests that changed Signals, by verb and result",
            self.writes.clone(),
        );
        registry.register(
            "skipped_signals",
            "Signals that make no assertion, by reason; those beyond 10,000 as the last list has shown them",
            self.skipped.clone(),
        );
        registry.register(
            "signal_watch_failures",
            "Times that the API server refused or ended the watch of Signals with an error",
            self.watch_failures.clone(),
        );
        registry.register(
            "signal_watch_up",
            "Whether the watch of Signals works: 1 or 0",
            self.is_watching.clone(),
        );
        registry.register_with_unit(
            "signal_shown",
            "Time from the answer to a write until the watch has shown it",
            Unit::Seconds,
            self.shown.clone(),
        );
    }

    pub(super) fn wrote(&self, labels: &WriteLabels) {
        self.writes.get_or_create(labels).inc();
    }

    pub(super) fn skipped(&self, skipped: &Skipped) {
        for reason in Skip::REASONS {
            let count = i64::try_from(skipped.count(reason)).unwrap_or(i64::MAX);
            self.skipped
                .get_or_create(&SkipLabels { reason })
                .set(count);
        }
    }

    pub(super) fn watches(&self) {
        self.is_watching.set(1);
    }

    pub(super) fn watch_failed(&self) {
        self.watch_failures.inc();
        self.is_watching.set(0);
    }

    pub(super) fn shown_after(&self, seconds: f64) {
        self.shown.observe(seconds);
    }
}

const SHOWN_SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];
