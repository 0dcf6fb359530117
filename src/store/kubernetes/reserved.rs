//! The memory that writes under way will take.

use std::collections::BTreeMap;

use oncue_language::Namespace;

/// The bytes that writes under way will take, once the watch has shown them.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    total: usize,
    namespaces: BTreeMap<Namespace, usize>,
}

impl Reserved {
    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn of(&self, namespace: &Namespace) -> usize {
        self.namespaces.get(namespace).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, namespace: &Namespace, bytes: usize) {
        self.total += bytes;
        *self.namespaces.entry(namespace.clone()).or_default() += bytes;
    }

    /// Gives back what was added before.
    pub(super) fn give_back(&mut self, namespace: &Namespace, bytes: usize) {
        self.total -= bytes;
        if let Some(reserved) = self.namespaces.get_mut(namespace) {
            *reserved -= bytes;
            if *reserved == 0 {
                self.namespaces.remove(namespace);
            }
        }
    }
}
