//! Which members can start, one after the other.

use std::collections::{HashMap, VecDeque};

use super::{Link, Links, MemberId, Supply, pool::Pool};

impl Links<'_> {
    /// Returns for each link whether it keeps its consumer from ever starting.
    ///
    /// Every member starts that has all it needs, until no more can. What no member produces is
    /// taken to come from elsewhere, and a demand that can never be met is not the fault of others
    /// that wait. Optional terms run out, and failure terms delay nothing.
    ///
    /// Links that `is_missing` denies hold already.
    pub(super) fn blocked(&self, is_missing: impl Fn(&Link) -> bool) -> Vec<bool> {
        let mut start = Start::new(self, is_missing);
        start.run();
        let mut blocked = vec![false; self.all.len()];
        for (_, link) in start.waits.into_iter().flatten() {
            blocked[link] = true;
        }
        blocked
    }
}

/// Members that start one after the other.
struct Start<'l> {
    links: &'l Links<'l>,
    /// The links that wait for each pool with how much they need, the smallest need last.
    waits: Vec<Vec<(u64, usize)>>,
    /// How much of each pool is there.
    there: Vec<Supply>,
    /// The parts of pools that each member provides and that are not there yet.
    provides: HashMap<MemberId, Vec<(usize, usize)>>,
    is_there: Vec<Vec<bool>>,
    /// How many links each member still waits for.
    missing: HashMap<MemberId, usize>,
    ready: VecDeque<MemberId>,
}

impl<'l> Start<'l> {
    fn new(links: &'l Links<'l>, is_missing: impl Fn(&Link) -> bool) -> Self {
        let mut start = Self {
            links,
            waits: vec![Vec::new(); links.pools.len()],
            there: vec![Supply::NOTHING; links.pools.len()],
            provides: HashMap::new(),
            is_there: Vec::new(),
            missing: HashMap::new(),
            ready: VecDeque::new(),
        };
        start.gather_parts();
        start.gather_waits(is_missing);
        start
    }

    fn gather_parts(&mut self) {
        for (index, pool) in self.links.pools.iter().enumerate() {
            self.is_there.push(vec![false; pool.parts.len()]);
            for (part, provided) in pool.parts.iter().enumerate() {
                for provider in &provided.providers {
                    self.provides
                        .entry(*provider)
                        .or_default()
                        .push((index, part));
                }
            }
        }
    }

    fn gather_waits(&mut self, is_missing: impl Fn(&Link) -> bool) {
        let links = self.links.all.iter().enumerate();
        for (index, link) in links.filter(|(_, link)| is_missing(link)) {
            let need = self.links.need(link);
            let is_required = self.links.waits_for_ever(link);
            let can_be_met = self.links.supply(link) >= Supply::AtMost(need);
            if let Some(pool) = self.links.pool(link).filter(|_| is_required && can_be_met) {
                self.waits[pool].push((need, index));
                *self.missing.entry(link.consumer).or_default() += 1;
            }
        }
        for waits in &mut self.waits {
            waits.sort_unstable_by(|one, other| other.cmp(one));
        }
        let members = self.links.members();
        self.ready = members
            .filter(|id| !self.missing.contains_key(id))
            .collect();
    }

    fn run(&mut self) {
        for (pool, Pool { parts, .. }) in self.links.pools.iter().enumerate() {
            let early = parts.iter().enumerate().filter(|(_, part)| part.is_early);
            early.for_each(|(part, _)| self.provide(pool, part));
        }
        while let Some(member) = self.ready.pop_front() {
            for (pool, part) in self.provides.remove(&member).unwrap_or_default() {
                self.provide(pool, part);
            }
        }
    }

    fn provide(&mut self, pool: usize, part: usize) {
        if !std::mem::replace(&mut self.is_there[pool][part], true) {
            let amount = self.links.pools[pool].parts[part].amount;
            self.there[pool] = self.there[pool].plus(amount);
            self.release(pool);
        }
    }

    fn release(&mut self, pool: usize) {
        while let Some((need, link)) = self.waits[pool].last().copied() {
            if self.there[pool] < Supply::AtMost(need) {
                break;
            }
            self.waits[pool].pop();
            let consumer = self.links.all[link].consumer;
            if let Some(missing) = self.missing.get_mut(&consumer) {
                *missing -= 1;
                if *missing == 0 {
                    self.ready.push_back(consumer);
                }
            }
        }
    }
}
