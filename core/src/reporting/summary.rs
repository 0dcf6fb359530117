//! Numbers of pods that wait.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use oncue_language::{Namespace, Timestamp};

use super::HeldReason;

/// How many pods wait, and for how long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WaitSummary {
    /// How many wait, by namespace and reason. Of many namespaces, those with most pods are named;
    /// `None` stands for all others.
    pub waiting: BTreeMap<(Option<Namespace>, HeldReason), u64>,
    /// Since when the first of them waits.
    pub oldest: Option<Timestamp>,
    /// How many pods have the label of managed pods, and nothing that was injected.
    pub uninjected: usize,
}

impl WaitSummary {
    pub(super) fn new<'a>(
        waits: impl Iterator<Item = (&'a Namespace, HeldReason, Timestamp)>,
        uninjected: usize,
    ) -> Self {
        let mut counts: BTreeMap<&Namespace, BTreeMap<HeldReason, u64>> = BTreeMap::new();
        let mut oldest: Option<Timestamp> = None;
        for (namespace, reason, since) in waits {
            *counts
                .entry(namespace)
                .or_default()
                .entry(reason)
                .or_default() += 1;
            oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
        }
        let named = most_used(&counts);
        let mut waiting = BTreeMap::new();
        for (namespace, reasons) in counts {
            let name = named.contains(namespace).then(|| namespace.clone());
            for (reason, count) in reasons {
                *waiting.entry((name.clone(), reason)).or_default() += count;
            }
        }
        Self {
            waiting,
            oldest,
            uninjected,
        }
    }
}

fn most_used(counts: &BTreeMap<&Namespace, BTreeMap<HeldReason, u64>>) -> BTreeSet<Namespace> {
    let sum = |reasons: &BTreeMap<HeldReason, u64>| reasons.values().sum::<u64>();
    let mut order: Vec<_> = counts.iter().collect();
    order.sort_by_key(|(_, reasons)| Reverse(sum(reasons)));
    let named = order.into_iter().take(MAX_NAMESPACES);
    named.map(|(namespace, _)| (*namespace).clone()).collect()
}

/// How many namespaces a metric names, as each is a time series.
const MAX_NAMESPACES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_namespace_and_reason() {
        let [shop, web]: [Namespace; 2] = ["shop", "web"].map(|it| it.parse().unwrap());
        let at = Timestamp::from_millis;
        let waits = [
            (&shop, HeldReason::Waiting, at(2_000)),
            (&shop, HeldReason::Waiting, at(1_000)),
            (&shop, HeldReason::Deadlock, at(3_000)),
            (&web, HeldReason::Waiting, at(4_000)),
        ];
        let summary = WaitSummary::new(waits.into_iter(), 3);
        let expected = [
            ((Some(shop.clone()), HeldReason::Deadlock), 1),
            ((Some(shop.clone()), HeldReason::Waiting), 2),
            ((Some(web.clone()), HeldReason::Waiting), 1),
        ];
        assert_eq!(summary.waiting, expected.into());
        assert_eq!(summary.oldest, Some(at(1_000)));
        assert_eq!(summary.uninjected, 3);
        assert_eq!(WaitSummary::new([].into_iter(), 0), WaitSummary::default());
    }

    #[test]
    fn of_many_namespaces_those_with_most_pods_are_named() {
        let namespace = |number: usize| format!("n{number:02}").parse::<Namespace>().unwrap();
        let namespaces: Vec<_> = (0..60).map(namespace).collect();
        let waits = namespaces
            .iter()
            .enumerate()
            .flat_map(|(number, namespace)| {
                let wait = (namespace, HeldReason::Waiting, Timestamp::default());
                std::iter::repeat_n(wait, number + 1)
            });
        let WaitSummary { waiting, .. } = WaitSummary::new(waits, 0);
        assert_eq!(waiting.len(), MAX_NAMESPACES + 1);
        assert_eq!(waiting[&(Some(namespace(59)), HeldReason::Waiting)], 60);
        assert_eq!(waiting[&(None, HeldReason::Waiting)], (1..=10).sum::<u64>());
    }
}
