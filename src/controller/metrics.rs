//! What the controller counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    language::Timestamp,
    reporting::{HeldReason, WaitSummary},
    world::Action,
};

/// What the controller counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    signals: Family<SignalLabels, Counter>,
    failures: Counter,
    strangers: Counter,
    gates: Counter,
    conditions: Family<ReasonLabels, Counter>,
    events: Family<ReasonLabels, Counter>,
    report_failures: Family<ReportLabels, Counter>,
    waiting: Family<WaitingLabels, Gauge>,
    oldest: Gauge,
    labelled_uninjected: Gauge,
    uninjected: Gauge,
    watches: Gauge,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct SignalLabels {
    change: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReportLabels {
    report: &'static str,
    error: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct WaitingLabels {
    /// Empty for all namespaces that are not named.
    namespace: String,
    reason: &'static str,
}

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "signals",
            "Assertions that the controller made or withdrew",
            self.signals.clone(),
        );
        registry.register(
            "owners_without_pod",
            "Owners of signals that are no pod of the cluster, or that the controller never saw; their signals are withdrawn",
            self.strangers.clone(),
        );
        registry.register(
            "gates_removed",
            "Scheduling gates that the controller removed",
            self.gates.clone(),
        );
        registry.register(
            "write_failures",
            "Changes of variables that the store refused; each is tried again",
            self.failures.clone(),
        );
        self.register_reports(registry);
        registry.register(
            "watches",
            "Watches of the API server that are held",
            self.watches.clone(),
        );
    }

    fn register_reports(&self, registry: &mut Registry) {
        registry.register(
            "conditions",
            "Conditions DependenciesHeld that were written, by reason",
            self.conditions.clone(),
        );
        registry.register(
            "events",
            "Events that were written, by the reason of the condition",
            self.events.clone(),
        );
        registry.register(
            "report_failures",
            "Conditions and Events that the API server refused",
            self.report_failures.clone(),
        );
        registry.register(
            "waiting_pods",
            "Pods that wait, by the reason of the condition; the namespace is empty for those beyond the 50 with most pods",
            self.waiting.clone(),
        );
        registry.register_with_unit(
            "oldest_wait",
            "How long the pod that has waited longest waits",
            Unit::Seconds,
            self.oldest.clone(),
        );
        registry.register(
            "labelled_uninjected_pods",
            "Pods with the label of managed pods into which nothing was injected",
            self.labelled_uninjected.clone(),
        );
        registry.register(
            "uninjected_pods",
            "Annotated pods without the label of managed pods, counted every 10 minutes",
            self.uninjected.clone(),
        );
    }

    pub(super) fn stranger(&self) {
        self.strangers.inc();
    }

    pub(super) fn written(&self, action: &Action) {
        let change = match action {
            Action::Assert { .. } => "asserted",
            Action::Delete | Action::Expire { .. } | Action::Withdraw(_) => "withdrawn",
        };
        self.signals.get_or_create(&SignalLabels { change }).inc();
    }

    pub(super) fn condition_written(&self, reason: HeldReason) {
        let reason = reason.as_str();
        self.conditions
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    pub(super) fn event_written(&self, reason: HeldReason) {
        let reason = reason.as_str();
        self.events.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(super) fn report_failed(&self, report: &'static str, error: &'static str) {
        let labels = ReportLabels { report, error };
        self.report_failures.get_or_create(&labels).inc();
    }

    /// Shows how many pods wait.
    pub(super) fn waiting(&self, summary: &WaitSummary, now: Timestamp) {
        let WaitSummary {
            waiting,
            oldest,
            uninjected,
        } = summary;
        self.waiting.clear();
        for ((namespace, reason), count) in waiting {
            let namespace = namespace.as_ref().map(ToString::to_string);
            let labels = WaitingLabels {
                namespace: namespace.unwrap_or_default(),
                reason: reason.as_str(),
            };
            self.waiting.get_or_create(&labels).set(to_gauge(*count));
        }
        let oldest = oldest.map_or(0, |oldest| now.since(oldest).as_secs());
        self.oldest.set(to_gauge(oldest));
        self.labelled_uninjected.set(to_gauge(*uninjected));
    }

    /// Shows how many annotated pods were not injected.
    pub(super) fn uninjected(&self, count: usize) {
        self.uninjected.set(to_gauge(count));
    }

    /// Shows how many watches are held.
    pub(super) fn watches(&self, count: usize) {
        self.watches.set(to_gauge(count));
    }

    pub(super) fn gate_removed(&self) {
        self.gates.inc();
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }
}

fn to_gauge(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
