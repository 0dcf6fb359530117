//! In which namespaces writes fail: said once, not of each write.

use std::collections::HashMap;

use oncue_language::Namespace;

use super::{Refusal, StoreError, WriteQueue};
use crate::outage::Outage;

/// In which namespaces writes fail, and have not all succeeded since.
#[derive(Debug)]
pub(crate) struct WriteOutages {
    what: &'static str,
    by_namespace: HashMap<Namespace, Outage>,
}

impl WriteOutages {
    /// Names what is written; it works so far.
    pub(crate) fn of(what: &'static str) -> Self {
        Self {
            what,
            by_namespace: HashMap::new(),
        }
    }

    /// Takes note of a write that has failed.
    pub(crate) fn failed(&mut self, namespace: &Namespace, error: StoreError) {
        let outage = || Outage::of(format!("{} in {namespace}", self.what));
        let outages = self.by_namespace.entry(namespace.clone());
        let reason = reason(&error);
        let text = format!("{:#}", anyhow::Error::from(error));
        outages.or_insert_with(outage).failed(reason, &text);
    }

    /// Takes note of a write that has succeeded, and that `queue` knows of.
    pub(crate) fn succeeded(&mut self, namespace: &Namespace, queue: &WriteQueue) {
        if !queue.is_failing(namespace)
            && let Some(mut outage) = self.by_namespace.remove(namespace)
        {
            outage.succeeded();
        }
    }

    /// Forgets the namespaces in which nothing is to be tried again.
    pub(crate) fn forget_ended(&mut self, queue: &WriteQueue) {
        self.by_namespace
            .retain(|namespace, _| queue.is_failing(namespace));
    }
}

/// Returns what is the same in all errors of one reason.
fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::Refused(Refusal::Forbidden(_)) => "forbidden",
        StoreError::Refused(Refusal::Occupied { .. }) => "occupied",
        StoreError::Refused(_) => "refused",
        StoreError::OverLimit(_) => "over limit",
        StoreError::NotShown(_) | StoreError::Unavailable(_) => "unavailable",
        _ => "store",
    }
}
