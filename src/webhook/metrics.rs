//! The metrics of the webhook.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Entry, answer::Answer, outcome::Outcome};

/// Numbers, durations and outcomes of reviews.
#[derive(Clone, Debug)]
pub struct WebhookMetrics {
    requests: Family<Labels, Counter>,
    /// The most frequent counter in `requests`, kept to avoid a look-up.
    injected: Counter,
    duration: Family<EntryLabel, Histogram>,
    /// The histogram in `duration` for pods.
    mutate_duration: Histogram,
    in_flight: Gauge,
    patch: Histogram,
}

impl WebhookMetrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            requests,
            injected: _,
            duration,
            mutate_duration: _,
            in_flight,
            patch,
        } = self;
        registry.register(
            "requests",
            "Reviews, by who was asked, what became of them and why",
            requests.clone(),
        );
        registry.register_with_unit(
            "duration",
            "From a review's head to its response",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register(
            "in_flight",
            "Reviews that are being answered",
            in_flight.clone(),
        );
        registry.register_with_unit(
            "patch",
            "Size of the JSON Patches",
            Unit::Bytes,
            patch.clone(),
        );
    }

    /// Counts a review as being answered until the guard is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts a review that was answered.
    pub(crate) fn observe(&self, entry: Entry, answer: &Answer, duration: Duration) {
        match (entry, answer.outcome) {
            (Entry::Mutate, Outcome::Injected) => self.injected.inc(),
            (_, outcome) => self.requests.get_or_create(&labels(entry, outcome)).inc(),
        };
        let seconds = duration.as_secs_f64();
        match entry {
            Entry::Mutate => self.mutate_duration.observe(seconds),
            Entry::Lint => self.duration.get_or_create(&entry.into()).observe(seconds),
        }
        if answer.patch_bytes > 0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a patch is smaller than 2^52 bytes"
            )]
            self.patch.observe(answer.patch_bytes as f64);
        }
    }
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        let duration = Family::<EntryLabel, Histogram>::new_with_constructor(
            (|| Histogram::new(SECONDS)) as _,
        );
        drop(duration.get_or_create(&Entry::Lint.into()));
        let requests = Family::<Labels, Counter>::default();
        let injected = labels(Entry::Mutate, Outcome::Injected);
        Self {
            injected: requests.get_or_create_owned(&injected),
            requests,
            mutate_duration: duration.get_or_create_owned(&Entry::Mutate.into()),
            duration,
            in_flight: Gauge::default(),
            patch: Histogram::new(BYTES),
        }
    }
}

/// A review that is being answered.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    path: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

fn labels(entry: Entry, outcome: Outcome) -> Labels {
    Labels {
        path: entry.label(),
        outcome: outcome.label(),
        reason: outcome.reason(),
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct EntryLabel {
    path: &'static str,
}

impl From<Entry> for EntryLabel {
    fn from(entry: Entry) -> Self {
        Self {
            path: entry.label(),
        }
    }
}

/// A review takes tens of microseconds, the client's network included tenths of a millisecond.
const SECONDS: [f64; 13] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

const BYTES: [f64; 6] = [512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16_384.0];
