//! How a model is drawn: as text, for Graphviz and for Markdown.
//!
//! Pure. A workload is one box, however many pods it makes.

mod dot;
mod draw;
mod mermaid;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Cycle, Links, MemberId, Model, Names};

/// The drawing of a model.
#[derive(Debug)]
pub struct Graph<'m> {
    links: Links<'m>,
    cycles: Vec<Cycle>,
    remarks: BTreeMap<MemberId, Vec<Remark>>,
}

/// What is said of a member beside what it waits for and signals.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Remark {
    /// A word, for every drawing.
    pub word: String,
    /// More of it, for text.
    pub text: String,
}

impl<'m> Graph<'m> {
    /// Draws every member of `model`.
    pub fn new(model: &'m Model) -> Self {
        let links = model.links();
        Self {
            cycles: links.cycles(),
            links,
            remarks: BTreeMap::new(),
        }
    }

    /// Returns the same drawing with remarks on members.
    #[must_use]
    pub fn with_remarks(self, remarks: BTreeMap<MemberId, Vec<Remark>>) -> Self {
        Self { remarks, ..self }
    }

    /// Returns the remarks on a member, each once.
    fn remarks(&self, id: MemberId) -> BTreeSet<&Remark> {
        self.remarks.get(&id).into_iter().flatten().collect()
    }
}

/// Returns one sentence that names each member of a cycle with what it waits for.
pub fn describe(links: &Links<'_>, cycle: &Cycle) -> String {
    describe_with(links, cycle, |id| links.model().name(id))
}

/// Returns the same sentence with other names of the members.
pub(crate) fn describe_with(
    links: &Links<'_>,
    cycle: &Cycle,
    name: impl Fn(MemberId) -> String,
) -> String {
    let steps = cycle.ring.iter().map(|step| {
        format!(
            "{} waits for {} from {}",
            name(step.link.consumer),
            links.term(&step.link).value.target,
            name(step.producer)
        )
    });
    Names::new(cycle.ring.len(), steps).join(", ")
}

#[cfg(test)]
mod tests;
