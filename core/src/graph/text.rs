//! A drawing for a terminal.

use std::fmt::Write;

use super::{Actor, Graph, Link, Step, Via, draw::after};
use crate::language::{Located, Signal, annotation::Key};

/// One line of an actor: what it says, and who is at the other end.
struct Row {
    verb: &'static str,
    what: String,
    whom: String,
}

impl Graph<'_> {
    /// Returns the graph as text: for each workload what it waits for and what it signals.
    pub fn to_text(&self) -> String {
        let blocks: Vec<_> = (0..self.scene.actors().len())
            .filter_map(|index| self.block(index))
            .collect();
        let rings = self.rings();
        let rings = rings.iter().map(|ring| {
            let ring = self.describe(ring);
            format!("deadlock: {ring}\n")
        });
        let rings: String = rings.collect();
        let parts = [blocks.join("\n"), rings];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return "nothing waits or signals here\n".to_owned();
        }
        parts.join("\n")
    }

    /// Returns one sentence that names everybody in a ring.
    pub fn describe(&self, ring: &[Step]) -> String {
        let steps = ring.iter().map(|step| {
            let link = &self.links[step.link];
            let producer = &self.scene.actors()[step.producer];
            format!(
                "{} waits for {} from {}",
                self.name(self.consumer(link)),
                self.term(link).value.target,
                self.name(producer)
            )
        });
        steps.collect::<Vec<_>>().join(", ")
    }

    fn block(&self, index: usize) -> Option<String> {
        let actor = &self.scene.actors()[index];
        let own = self.links.iter().filter(|link| link.consumer == index);
        let mut rows: Vec<_> = own.map(|link| self.wait_row(link)).collect();
        rows.extend(self.signal_rows(index, actor));
        if rows.is_empty() {
            return None;
        }
        let width = rows.iter().map(|row| row.what.chars().count()).max()?;
        let mut block = format!("{}\n", self.name(actor));
        let mut verb_before = "";
        for Row { verb, what, whom } in &rows {
            let shown = if *verb == verb_before { "" } else { verb };
            // Writing to a String cannot fail.
            let _ = writeln!(block, "  {shown:<9}  {what:<width$}  {whom}");
            verb_before = verb;
        }
        Some(block)
    }

    fn wait_row(&self, link: &Link) -> Row {
        let producers = link.producers.iter().map(|producer| {
            let name = self.name(&self.scene.actors()[producer.actor]);
            match producer.via {
                Via::Signal(key) if key != Key::Signals => format!("{name} {}", after(key)),
                Via::Object | Via::Probe | Via::Signal(_) => name,
            }
        });
        Row {
            verb: "waits for",
            what: self.term(link).value.to_string(),
            whom: match producers.collect::<Vec<_>>() {
                names if names.is_empty() => "<- nobody here".to_owned(),
                names => format!("<- {}", names.join(", ")),
            },
        }
    }

    fn signal_rows(&self, index: usize, actor: &Actor<'_>) -> Vec<Row> {
        let lists = actor.annotations.all_signals().into_iter();
        let signals = lists.flat_map(|(key, list)| list.iter().map(move |item| (key, item)));
        let row = |(key, located): (Key, &Located<Signal>)| Row {
            verb: "signals",
            what: match key {
                Key::Signals => located.value.to_string(),
                key => format!("{} {}", located.value, after(key)),
            },
            whom: match self.consumers(index, key, &located.value) {
                names if names.is_empty() => "-> nobody here".to_owned(),
                names => format!("-> {}", names.join(", ")),
            },
        };
        signals.map(row).collect()
    }

    /// Returns the names of those who wait for a signal of the actor at `index`.
    fn consumers(&self, index: usize, key: Key, signal: &Signal) -> Vec<String> {
        let via = Via::Signal(key);
        let waits = |link: &&Link| {
            let mut producers = link.producers.iter();
            producers.any(|producer| {
                let signals = || {
                    self.scene
                        .signals_for(producer, self.consumer(link), &self.term(link).value)
                };
                producer.actor == index && producer.via == via && signals().contains(&signal)
            })
        };
        let links = self.links.iter().filter(waits);
        let mut names: Vec<_> = links.map(|link| self.name(self.consumer(link))).collect();
        names.dedup();
        names
    }
}
