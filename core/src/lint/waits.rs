//! What a set of objects says of its waits: who produces what, and whether that is enough.

use super::{Code, Finding, Part, Place, Severity};
use crate::{
    graph::{Graph, Link, Step, Supply},
    language::{Demand, Presence, Target},
};

/// A graph with where its waits are written.
pub(super) struct Waits<'a> {
    pub(super) graph: &'a Graph<'a>,
    /// Where each actor says what it waits for.
    pub(super) places: &'a [Place],
}

/// What is found, without its place.
pub(super) type Said = (Severity, Code, String);

impl Waits<'_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let links = self.graph.links().iter();
        let mut findings: Vec<_> = links
            .flat_map(|link| {
                let said = [
                    self.unproduced(link),
                    self.too_little(link),
                    self.hook(link),
                ];
                said.into_iter()
                    .flatten()
                    .map(|said| self.finding(link, said))
            })
            .collect();
        let rings = self.graph.rings();
        findings.extend(rings.iter().filter_map(|ring| self.ring(ring)));
        findings
    }

    fn finding(&self, link: &Link, (severity, code, message): Said) -> Finding {
        Finding {
            severity,
            code,
            message,
            place: Place {
                part: Part::Column(self.graph.term(link).at.column),
                ..self.places[link.consumer].clone()
            },
        }
    }

    fn ring(&self, ring: &[Step]) -> Option<Finding> {
        let link = &self.graph.links()[ring.first()?.link];
        let code = match ring {
            [_] => Code::NeverHolds,
            _ => Code::Deadlock,
        };
        let message = format!("none of these ever starts: {}", self.graph.describe(ring));
        Some(self.finding(link, (Severity::Error, code, message)))
    }

    fn too_little(&self, link: &Link) -> Option<Said> {
        let term = &self.graph.term(link).value;
        let supply = self.graph.supply(link, |_| true);
        let need = self.graph.need(link);
        let Supply::AtMost(most) = supply else {
            return None;
        };
        if term.presence != Presence::Required || link.producers.is_empty() || most >= need {
            return None;
        }
        let (names, target) = (self.producer_names(link), &term.target);
        let (severity, message) = match target {
            Target::Variable {
                demand: Demand::Equals(_),
                ..
            } => (
                Severity::Error,
                format!("{target} never holds: {names} signals no such value"),
            ),
            _ if most == 0 => (
                Severity::Warning,
                format!("{names} makes no pods as it stands, so {target} never holds"),
            ),
            _ => (
                Severity::Error,
                format!(
                    "{target} never holds: it needs {need}, and {names} makes {most} at the most"
                ),
            ),
        };
        Some((severity, Code::NeverHolds, message))
    }

    pub(super) fn producer_names(&self, link: &Link) -> String {
        let actors = self.graph.scene().actors();
        let mut names: Vec<_> = link
            .producers
            .iter()
            .map(|producer| self.graph.name(&actors[producer.actor]))
            .collect();
        names.dedup();
        names.join(" or ")
    }
}
