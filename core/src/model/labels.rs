//! The index of members by the labels of their pods.

use std::collections::HashMap;

use super::{Member, MemberId, sorted_set::SortedSet};
use crate::language::Namespace;

/// A label in a namespace: the key, then the value.
type Label = (Namespace, Box<str>, Box<str>);

/// All members, by each label of their pods.
#[derive(Debug, Default)]
pub(super) struct LabelIndex {
    members: HashMap<Label, SortedSet<MemberId>>,
}

impl LabelIndex {
    pub(super) fn insert(&mut self, id: MemberId, member: &Member) {
        for label in labels(member) {
            self.members.entry(label).or_default().insert(id);
        }
    }

    pub(super) fn remove(&mut self, id: MemberId, member: &Member) {
        for label in labels(member) {
            if let Some(members) = self.members.get_mut(&label) {
                members.remove(id);
                if members.is_empty() {
                    self.members.remove(&label);
                }
            }
        }
    }

    /// Returns the members whose pods have all labels of `selector`; none without a label. Those
    /// with the rarest label are looked at.
    pub(super) fn select<'a>(
        &self,
        selector: &[(Box<str>, Box<str>)],
        namespace: &Namespace,
        member: impl Fn(MemberId) -> &'a Member,
    ) -> Vec<MemberId> {
        let with_label = selector.iter().map(|(key, value)| {
            let label = (namespace.clone(), key.clone(), value.clone());
            self.members.get(&label)
        });
        let Some(Some(rarest)) = with_label.min_by_key(|members| members.map_or(0, SortedSet::len))
        else {
            return Vec::new();
        };
        let is_selected = |id: &MemberId| {
            let labels = &member(*id).labels;
            let has = |(key, value): &(_, _)| labels.get(key) == Some(value);
            selector.iter().all(has)
        };
        rarest.iter().filter(is_selected).collect()
    }
}

fn labels(member: &Member) -> impl Iterator<Item = Label> {
    member
        .labels
        .iter()
        .map(|(key, value)| (member.namespace.clone(), key.clone(), value.clone()))
}
