//! Live pods that wait for each other.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use oncue_language::Timestamp;

use super::{ReportedWait, sentence::called};
use crate::{
    graph::describe_with,
    model::{Cycle, Link, Links, MemberId, Model},
};

/// The pods that are in a cycle, each with a sentence about it.
#[derive(Debug, Default)]
pub(super) struct Deadlocks {
    rings: HashMap<MemberId, Ring>,
    /// Whether something has changed since they were looked for.
    pub(super) is_stale: bool,
}

#[derive(Debug)]
struct Ring {
    since: Timestamp,
    text: Arc<str>,
}

impl Deadlocks {
    /// Looks for cycles if something has changed. Returns the members whose cycle came, went or
    /// became another.
    pub(super) fn refresh(
        &mut self,
        model: &Model,
        waits: &BTreeMap<MemberId, ReportedWait>,
        now: Timestamp,
    ) -> Vec<MemberId> {
        if !std::mem::take(&mut self.is_stale) {
            return Vec::new();
        }
        let mut found = rings(model, waits);
        let mut changed = Vec::new();
        self.rings.retain(|id, ring| {
            let text = found.remove(id);
            if text.as_ref() != Some(&ring.text) {
                changed.push(*id);
            }
            if let Some(text) = text {
                ring.text = text;
                return true;
            }
            false
        });
        for (id, text) in found {
            changed.push(id);
            self.rings.insert(id, Ring { since: now, text });
        }
        changed
    }

    /// Returns the sentence about the cycle of a member, if it is in one for so long that a pod
    /// that was created a moment later would have ended it.
    pub(super) fn ring(&self, id: MemberId, now: Timestamp) -> Option<&str> {
        let ring = self.rings.get(&id)?;
        (now >= ring.since + SETTLED_AFTER).then_some(&*ring.text)
    }

    /// Returns when the cycle of a member is reported.
    pub(super) fn settled(&self, id: MemberId) -> Option<Timestamp> {
        Some(self.rings.get(&id)?.since + SETTLED_AFTER)
    }
}

fn rings(model: &Model, waits: &BTreeMap<MemberId, ReportedWait>) -> HashMap<MemberId, Arc<str>> {
    let waiting = waits.iter().filter(|(_, wait)| wait.is_held_up());
    let links = model.links_of(waiting.map(|(id, _)| *id));
    let is_missing = |link: &Link| {
        let wait = waits.get(&link.consumer);
        wait.is_some_and(|wait| wait.misses(link.term))
    };
    let mut rings = HashMap::new();
    for cycle in links.deadlocks(is_missing) {
        let text: Arc<str> = describe(&links, &cycle).into();
        rings.extend(cycle.members.iter().map(|id| (*id, Arc::clone(&text))));
    }
    rings
}

fn describe(links: &Links<'_>, cycle: &Cycle) -> String {
    let member = |id| links.model().member(id);
    let namespaces = cycle.members.iter().map(|id| &member(*id).namespace);
    let has_several = namespaces.collect::<HashSet<_>>().len() > 1;
    describe_with(links, cycle, |id| {
        let name = called(member(id));
        if has_several {
            format!("{name} ({})", member(id).namespace)
        } else {
            name
        }
    })
}

const SETTLED_AFTER: Duration = Duration::from_secs(1);
