//! Every term of the members, with its producers.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    ops::Range,
};

use super::{
    MemberId, Model, Names, Producer, Supply, Want, distinct,
    pool::{Part, Pool},
    supply::need,
};
use crate::language::{Demand, Located, Target, Term, Value, expiry::Consequence, term::Presence};

/// Every term of some members of a model, with its producers.
///
/// Terms that ask for the same share one list of producers, so that a variable with many producers
/// and many consumers costs their sum and not their product.
#[derive(Debug)]
pub struct Links<'m> {
    pub(super) model: &'m Model,
    pub(super) all: Vec<Link>,
    pub(super) pools: Vec<Pool>,
    wants: Vec<Wanted>,
    /// The links of each member.
    own: BTreeMap<MemberId, Range<usize>>,
    /// The wants that each signal provides.
    provided: HashMap<(MemberId, usize), Vec<usize>>,
}

/// One term of one member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    /// The member that waits.
    pub consumer: MemberId,
    /// The position of the term in its `depends-on`.
    pub term: usize,
    want: usize,
}

/// What some links ask for.
#[derive(Debug)]
struct Wanted {
    producers: Vec<Producer>,
    consumers: Vec<usize>,
    /// The pool of everything that counts.
    all: usize,
    /// The pools of what has a value, if it is a variable and all values are known.
    by_value: Option<BTreeMap<Value, usize>>,
}

impl Model {
    /// Links the terms of every member.
    pub fn links(&self) -> Links<'_> {
        Links::new(self, self.members.keys().copied())
    }

    /// Links the terms of some members, and those of every member that they wait for, directly or
    /// through others.
    pub fn links_of(&self, ids: impl IntoIterator<Item = MemberId>) -> Links<'_> {
        Links::new(self, ids)
    }

    /// Links the terms of one member, and those of every member that it waits for, directly or
    /// through others.
    pub fn links_around(&self, id: MemberId) -> Links<'_> {
        Links::new(self, [id])
    }
}

impl<'m> Links<'m> {
    fn new(model: &'m Model, members: impl IntoIterator<Item = MemberId>) -> Self {
        let mut links = Self {
            model,
            all: Vec::new(),
            pools: Vec::new(),
            wants: Vec::new(),
            own: BTreeMap::new(),
            provided: HashMap::new(),
        };
        let mut known = HashMap::new();
        let mut members: VecDeque<_> = members.into_iter().collect();
        while let Some(id) = members.pop_front() {
            if !links.own.contains_key(&id) {
                let first_new = links.wants.len();
                links.add(id, &mut known);
                let new = links.wants[first_new..].iter();
                members.extend(new.flat_map(|want| want.producers.iter().map(|p| p.member)));
            }
        }
        links
    }

    fn add(&mut self, id: MemberId, known: &mut HashMap<Want, usize>) {
        let first = self.all.len();
        let consumer = self.model.member(id);
        for (term, value) in consumer.terms().enumerate() {
            let want = match known.entry(Want::of(consumer, value)) {
                Entry::Occupied(want) => *want.get(),
                Entry::Vacant(new) => {
                    let want = self.add_want(new.key());
                    *new.insert(want)
                }
            };
            self.wants[want].consumers.push(self.all.len());
            self.all.push(Link {
                consumer: id,
                term,
                want,
            });
        }
        self.own.insert(id, first..self.all.len());
    }

    fn add_want(&mut self, want: &Want) -> usize {
        let sources = self.model.sources(want);
        for source in &sources {
            if let Some(signal) = source.signal {
                let provided = self.provided.entry((source.producer.member, signal));
                provided.or_default().push(self.wants.len());
            }
        }
        let all = self.add_pool(Pool::new(self.model, want, &sources));
        let by_value = match want {
            Want::Variable { .. } => Pool::by_value(self.model, &sources),
            Want::Below { .. } | Want::Host { .. } | Want::Object(_) => None,
        };
        let by_value = by_value.map(|pools| {
            let pools = pools.into_iter();
            let pools = pools.map(|(value, pool)| (value, self.add_pool(pool)));
            pools.collect()
        });
        let wanted = Wanted {
            by_value,
            consumers: Vec::new(),
            all,
            producers: distinct(&sources),
        };
        self.wants.push(wanted);
        self.wants.len() - 1
    }

    fn add_pool(&mut self, pool: Pool) -> usize {
        self.pools.push(pool);
        self.pools.len() - 1
    }

    /// Returns the model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Returns the links, by member and term.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.all.iter()
    }

    /// Returns the links of one member, in the order of its terms.
    pub fn of(&self, id: MemberId) -> &[Link] {
        let own = self.own.get(&id).cloned().unwrap_or_default();
        &self.all[own]
    }

    /// Returns the members whose terms are linked.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.own.keys().copied()
    }

    /// Returns the term of `link`, with its place in the annotation.
    pub fn term(&self, link: &Link) -> &'m Located<Term> {
        &self.model.member(link.consumer).annotations.depends_on[link.term]
    }

    /// Returns whether the consumer never starts if the term never holds: no timeout lets it go on
    /// without.
    pub(super) fn waits_for_ever(&self, link: &Link) -> bool {
        let rules = self.model.member(link.consumer).annotations.timeout_rules();
        let term = &self.term(link).value;
        let expiries = [rules.of_wait(), rules.of_term(term)];
        let mut given_up = expiries.into_iter().flatten();
        term.presence == Presence::Required
            && !given_up.any(|expiry| expiry.then == Consequence::GiveUp)
    }

    /// Returns the members that can make the term of `link` hold, in their order. A signal counts
    /// whatever its value is.
    pub fn producers(&self, link: &Link) -> &[Producer] {
        &self.wants[link.want].producers
    }

    /// Returns the names of those producers.
    pub fn producer_names(&self, link: &Link) -> Names {
        let producers = self.producers(link);
        let names = producers.iter().map(|p| self.model.name(p.member));
        Names::new(producers.len(), names)
    }

    /// Returns the names of the members that wait for the signal at a position among those of a
    /// member.
    pub fn consumer_names(&self, id: MemberId, signal: usize) -> Names {
        let wants = self.provided.get(&(id, signal)).into_iter().flatten();
        let consumers = wants.map(|want| &self.wants[*want].consumers);
        let count = consumers.clone().map(Vec::len).sum();
        let members = consumers.flatten().map(|link| self.all[*link].consumer);
        Names::new(count, members.map(|member| self.model.name(member)))
    }

    /// Returns how many links ask for the same as `link`, whatever they demand of it, and what
    /// they have in common.
    pub(crate) fn shared(&self, link: &Link) -> (usize, usize) {
        (link.want, self.wants[link.want].consumers.len())
    }

    /// Returns how many owners, variables or objects the term of `link` needs.
    pub fn need(&self, link: &Link) -> u64 {
        need(&self.term(link).value)
    }

    /// Returns how many of those the producers can provide.
    pub fn supply(&self, link: &Link) -> Supply {
        let pool = self.pool(link).map(|pool| self.pools[pool].supply);
        pool.unwrap_or(Supply::NOTHING)
    }

    /// Returns how many of those there can be while only the first pod of the consumer exists.
    pub fn supply_at_first(&self, link: &Link) -> Supply {
        let parts = self.parts(link).map(|part| match part.providers[..] {
            [provider] if provider == link.consumer => part.amount.min(Supply::AtMost(1)),
            _ => part.amount,
        });
        parts.fold(Supply::NOTHING, Supply::plus)
    }

    /// Returns whether the consumer waits, for ever, for what its pods signal before they wait.
    pub fn waits_for_early_signals_of_its_own(&self, link: &Link) -> bool {
        let mut parts = self.parts(link);
        self.waits_for_ever(link)
            && parts.any(|part| part.is_early && part.providers == [link.consumer])
    }

    fn parts(&self, link: &Link) -> impl Iterator<Item = &Part> {
        let pool = self.pool(link).map(|pool| &self.pools[pool].parts);
        pool.into_iter().flatten()
    }

    /// Returns what counts towards the term of `link`, if anything does.
    pub(super) fn pool(&self, link: &Link) -> Option<usize> {
        let want = &self.wants[link.want];
        let value = match &self.term(link).value.target {
            Target::Variable {
                demand: Demand::Equals(value),
                ..
            } => value.value(),
            Target::Below { .. }
            | Target::Object(_)
            | Target::Probe(_)
            | Target::Variable { .. } => None,
        };
        match (value, &want.by_value) {
            (Some(value), Some(by_value)) => by_value.get(&value).copied(),
            _ => Some(want.all),
        }
    }
}
