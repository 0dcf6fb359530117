//! Variables that are Signals: read and changed through the Kubernetes API alone, with the user's own
//! rights.

mod changes;
mod waits;

use std::sync::Arc;

use anyhow::{Context, anyhow};
use oncue_wire::{VariablePage, WaiterList};

use self::{changes::SignalChanges, waits::Knowledge};
use super::{
    backend::{Backend, Changes, Creation, HandAssertion, Judged, Listed, WaitingPod},
    cluster::Cluster,
    output,
    vars::now,
};
use crate::{
    api::documents,
    cluster::{Place, ReadSignals, Signals, Unlisted},
    injection::Settings,
    language::{Condition, Namespace, VariableKey, VariableName},
    life::{Assertion, AssertionId},
    world::Effect,
};

/// The Signals of a cluster.
pub(super) struct SignalBackend {
    cluster: Cluster,
    signals: Signals,
    /// How it is known that the variables are Signals: a clause.
    evidence: String,
}

impl SignalBackend {
    pub(super) fn new(cluster: Cluster, evidence: String) -> Self {
        Self {
            signals: Signals::new(cluster.client().clone()),
            cluster,
            evidence,
        }
    }

    /// Reads the Signals in a place, and notes those that are no assertions.
    fn read(
        &self,
        place: &Place,
        variable: Option<&VariableName>,
    ) -> Result<Vec<(VariableKey, Arc<Assertion>)>, Unlisted> {
        let listed = self.cluster.block_on(self.signals.list(place, variable));
        let ReadSignals { signals, skipped } = listed?;
        if let [first, rest @ ..] = &*skipped {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            output::note(&format!("passed over: {first}{more}"));
        }
        let mut assertions: Vec<_> = signals
            .into_iter()
            .map(|signal| (signal.key, signal.assertion))
            .collect();
        assertions.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
        Ok(assertions)
    }

    /// Adds to an error where the variables were looked for, and why there.
    fn told<T, E: Into<anyhow::Error>>(&self, result: Result<T, E>) -> anyhow::Result<T> {
        result
            .map_err(Into::into)
            .with_context(|| format!("failed to use the Signals of {}", self.place()))
    }

    fn place(&self) -> String {
        format!("{} ({})", self.cluster.name(), self.evidence)
    }

    fn absent(VariableKey { namespace, name }: &VariableKey) -> anyhow::Error {
        anyhow!("the variable {name} does not exist in the namespace {namespace}")
    }
}

impl Backend for SignalBackend {
    fn list(&self, place: &Place, prefix: Option<&VariableName>) -> anyhow::Result<Listed> {
        let mut assertions = self.told(self.read(place, None))?;
        if let Some(prefix) = prefix {
            assertions.retain(|(key, _)| is_at_or_below(&key.name, prefix));
        }
        Ok(Listed {
            revision: String::new(),
            assertions,
        })
    }

    fn get(&self, key: &VariableKey) -> anyhow::Result<VariablePage> {
        let place = Place::Namespace(key.namespace.clone());
        let assertions = self.told(self.read(&place, Some(&key.name)))?;
        if assertions.is_empty() {
            return Err(Self::absent(key));
        }
        Ok(VariablePage {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            assertions: assertions
                .iter()
                .map(|(_, assertion)| documents::assertion(assertion))
                .collect(),
            r#continue: None,
        })
    }

    fn create(
        &self,
        key: &VariableKey,
        HandAssertion { value, ttl }: HandAssertion,
    ) -> anyhow::Result<Creation> {
        let now = now();
        let assertion = Assertion {
            id: AssertionId::HAND,
            value,
            since: now,
            expires: ttl.map(|ttl| now + ttl.duration()),
        };
        let asserted = self.cluster.block_on(self.signals.assert(key, &assertion));
        Ok(match self.told(asserted)? {
            Effect::Created => Creation::Created,
            Effect::Changed | Effect::Deleted | Effect::Unchanged => Creation::Updated,
        })
    }

    fn delete(&self, key: &VariableKey) -> anyhow::Result<()> {
        let deleted = self.cluster.block_on(self.signals.delete(key));
        match self.told(deleted)? {
            0 => Err(Self::absent(key)),
            _ => Ok(()),
        }
    }

    fn watch(
        &self,
        namespace: &Namespace,
        prefix: Option<&VariableName>,
    ) -> anyhow::Result<Box<dyn Changes + '_>> {
        let events = self.signals.watch(namespace);
        Ok(Box::new(SignalChanges::of(
            (&self.cluster, self.place()),
            events,
            prefix.cloned(),
        )))
    }

    fn waiters(&self, place: &Place, settings: &Settings) -> anyhow::Result<WaiterList> {
        waits::waiters(self, place, settings)
    }

    fn judge(&self, pod: &WaitingPod<'_>, conditions: &[Condition]) -> anyhow::Result<Judged> {
        let place = Place::Namespace(pod.id.namespace.clone());
        let asked = conditions.iter().map(|it| (&pod.id.namespace, it));
        let knowledge = Knowledge::about(self, &place, asked)?;
        let verdicts = knowledge.verdicts(pod, conditions);
        let terms = conditions.iter().zip(&verdicts);
        Ok(Judged {
            terms: terms
                .map(|(condition, verdict)| Ok(documents::term(condition, verdict)))
                .collect(),
            remark: None,
        })
    }
}

/// Returns whether a name is the prefix, or lies below it.
fn is_at_or_below(name: &VariableName, prefix: &VariableName) -> bool {
    name == prefix || name.is_below(prefix)
}
