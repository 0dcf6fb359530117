//! What the controller counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::world::Action;

/// What the controller counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    signals: Family<SignalLabels, Counter>,
    failures: Counter,
    gates: Counter,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct SignalLabels {
    change: &'static str,
}

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "signals",
            "Assertions that the controller made or withdrew",
            self.signals.clone(),
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
    }

    pub(super) fn written(&self, action: &Action) {
        let change = match action {
            Action::Assert { .. } => "asserted",
            Action::Delete | Action::Expire { .. } | Action::Withdraw(_) => "withdrawn",
        };
        self.signals.get_or_create(&SignalLabels { change }).inc();
    }

    pub(super) fn gate_removed(&self) {
        self.gates.inc();
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }
}
