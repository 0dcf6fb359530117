//! Who waits for each other for ever.

use std::collections::VecDeque;

use super::{Graph, Link, Supply};
use crate::language::Presence;

/// One step of a ring: an actor, what it waits for, and from whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// The position of the link.
    pub link: usize,
    /// The position of the actor that waits.
    pub consumer: usize,
    /// The position of the actor that should produce; the consumer of the next step.
    pub producer: usize,
}

impl Graph<'_> {
    /// Returns the rings in which every actor waits for the next one and none can ever start.
    ///
    /// Optional terms run out and failure terms delay nothing, so they make no ring; neither
    /// does a term that somebody outside of the ring can make hold.
    pub fn rings(&self) -> Vec<Vec<Step>> {
        let starts = self.those_that_start();
        let mut seen = vec![false; starts.len()];
        let mut rings = Vec::new();
        for first in 0..starts.len() {
            let mut path: Vec<Step> = Vec::new();
            let mut actor = first;
            while !starts[actor] && !seen[actor] {
                seen[actor] = true;
                let Some(step) = self.step_from(actor, &starts) else {
                    break;
                };
                path.push(step);
                actor = step.producer;
            }
            let ring = path.iter().position(|step| step.consumer == actor);
            rings.extend(ring.map(|start| path.split_off(start)));
        }
        rings
    }

    /// Starts whoever has all it needs, until nobody more can: what nobody here produces is taken
    /// to come from elsewhere, and what can never be enough is not the fault of a ring.
    fn those_that_start(&self) -> Vec<bool> {
        let consumers = self.consumers_by_producer();
        let mut starts = vec![false; self.own.len()];
        let mut asked: VecDeque<usize> = (0..starts.len()).collect();
        while let Some(actor) = asked.pop_front() {
            if !starts[actor] && self.stuck_links(actor, &starts).next().is_none() {
                starts[actor] = true;
                asked.extend(&consumers[actor]);
            }
        }
        starts
    }

    fn consumers_by_producer(&self) -> Vec<Vec<usize>> {
        let mut consumers = vec![Vec::new(); self.own.len()];
        for link in &self.links {
            for producer in &link.producers {
                consumers[producer.actor].push(link.consumer);
            }
        }
        consumers
    }

    fn stuck_links<'s>(
        &'s self,
        actor: usize,
        starts: &'s [bool],
    ) -> impl Iterator<Item = (usize, &'s Link)> {
        let own = self.own[actor].clone();
        own.map(|index| (index, &self.links[index]))
            .filter(|(_, link)| self.is_stuck(link, starts))
    }

    fn is_stuck(&self, link: &Link, starts: &[bool]) -> bool {
        let need = Supply::AtMost(self.need(link));
        self.term(link).value.presence == Presence::Required
            && self.supply(link, |_| true) >= need
            && self.supply(link, |producer| starts[producer.actor]) < need
    }

    fn step_from(&self, actor: usize, starts: &[bool]) -> Option<Step> {
        let (index, link) = self.stuck_links(actor, starts).next()?;
        let producer = link.producers.iter().find(|p| !starts[p.actor])?;
        Some(Step {
            link: index,
            consumer: actor,
            producer: producer.actor,
        })
    }
}
