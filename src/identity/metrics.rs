//! What the reviews of tokens count.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// What the reviews of tokens count.
#[derive(Clone, Debug)]
pub struct Metrics {
    reviews: Family<Labels, Counter>,
    duration: Histogram,
    pub(super) cached: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let reviews = Family::default();
        for result in ReviewResult::ALL {
            let result = result.label();
            drop(reviews.get_or_create(&Labels { result }));
        }
        Self {
            reviews,
            duration: Histogram::new(exponential_buckets(SHORTEST, 2.0, 14)),
            cached: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            reviews,
            duration,
            cached,
        } = self;
        let registry = registry.sub_registry_with_prefix("identity");
        registry.register(
            "reviews",
            "Tokens that the API server was asked about, by result",
            reviews.clone(),
        );
        registry.register_with_unit(
            "review_duration",
            "Time until the API server answered about a token",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register(
            "cached_tokens",
            "Valid tokens that are known without asking again",
            cached.clone(),
        );
    }

    pub(super) fn reviewed(&self, result: ReviewResult, time: Duration) {
        let labels = Labels {
            result: result.label(),
        };
        self.reviews.get_or_create(&labels).inc();
        self.duration.observe(time.as_secs_f64());
    }
}

/// How a review ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ReviewResult {
    Accepted,
    Failed,
    Refused,
}

impl ReviewResult {
    const ALL: [Self; 3] = [Self::Accepted, Self::Failed, Self::Refused];

    fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    result: &'static str,
}

/// The upper end of the shortest bucket, in seconds.
const SHORTEST: f64 = 0.001;
