//! What counts towards a demand: gathered once for all terms that ask for the same.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use super::{MemberId, MemberKind, Model, Source, Supply, Via, Want};
use crate::{
    assertion::Asserter,
    language::{Value, annotation::Key},
};

/// Everything that counts towards a want, or towards a value of it.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) parts: Vec<Part>,
    pub(super) supply: Supply,
}

/// Something that counts, if any one of its providers is there.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) amount: Supply,
    /// Whether it is there before the providers wait for anything.
    pub(super) is_early: bool,
    pub(super) providers: Vec<MemberId>,
}

impl Pool {
    /// Gathers what `sources` provide of a want.
    pub(super) fn new(model: &Model, want: &Want, sources: &[Source]) -> Self {
        let parts = match want {
            Want::Below { .. } => variables(model, sources),
            Want::Host { .. } | Want::Object(_) | Want::Variable { .. } => {
                owners(model, sources.iter())
            }
        };
        Self::of(parts)
    }

    /// Gathers what `sources` provide of each value of a variable; `None` if there is no telling,
    /// because a part of a value is known only once a pod runs.
    pub(super) fn by_value(model: &Model, sources: &[Source]) -> Option<BTreeMap<Value, Self>> {
        let mut by_value: BTreeMap<Value, Vec<&Source>> = BTreeMap::new();
        for source in sources {
            let signal = model.signal(source);
            if let Some(value) = signal.and_then(|signal| signal.value.as_ref()) {
                by_value.entry(value.value()?).or_default().push(source);
            }
        }
        let pools = by_value.into_iter();
        let pool =
            |(value, sources): (_, Vec<_>)| (value, Self::of(owners(model, sources.into_iter())));
        Some(pools.map(pool).collect())
    }

    fn of(parts: Vec<Part>) -> Self {
        let amounts = parts.iter().map(|part| part.amount);
        Self {
            supply: amounts.fold(Supply::NOTHING, Supply::plus),
            parts,
        }
    }
}

/// Returns whether a source provides before its member waits for anything.
fn is_early(source: &Source) -> bool {
    matches!(
        source.producer.via,
        Via::Existing | Via::Signal(Key::SignalsOnWait)
    )
}

/// Returns one part for each member, with its pods, and one for each owner of what exists already.
fn owners<'s>(model: &Model, sources: impl Iterator<Item = &'s Source>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut asserters: HashMap<&Asserter, usize> = HashMap::new();
    for source in sources {
        let member = source.producer.member;
        let amount = model.pods(&source.producer);
        let next = parts.len();
        let index = match (&model.member(member).kind, parts.last()) {
            (MemberKind::Existing(asserter), _) => *asserters.entry(asserter).or_insert(next),
            // A member that signals a variable twice over asserts it once with each pod.
            (_, Some(last)) if last.providers == [member] => next - 1,
            _ => next,
        };
        match parts.get_mut(index) {
            Some(part) => {
                part.amount = part.amount.max(amount);
                part.is_early |= is_early(source);
            }
            None => parts.push(Part {
                amount,
                is_early: is_early(source),
                providers: vec![member],
            }),
        }
    }
    parts
}

/// Returns one part for each known name, and one for the pods of each signal without a known name,
/// because each pod has its own name.
fn variables(model: &Model, sources: &[Source]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources {
        let member = source.producer.member;
        let amount = model.pods(&source.producer);
        let signal = model.signal(source);
        let name = signal.and_then(|signal| signal.name.literal());
        match name.map(|name| names.entry(name)) {
            Some(_) if amount == Supply::NOTHING => {}
            Some(Entry::Occupied(part)) => {
                let part = &mut parts[*part.get()];
                part.is_early |= is_early(source);
                part.providers.push(member);
            }
            Some(Entry::Vacant(new)) => {
                new.insert(parts.len());
                parts.push(Part {
                    amount: Supply::AtMost(1),
                    is_early: is_early(source),
                    providers: vec![member],
                });
            }
            None => parts.push(Part {
                amount,
                is_early: is_early(source),
                providers: vec![member],
            }),
        }
    }
    parts
}
