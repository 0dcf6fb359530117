//! What every drawing shows: boxes, and arrows from who produces to who waits.

use std::collections::BTreeMap;

use super::{Actor, Graph, Link, Producer, Via};
use crate::language::{Presence, annotation::Key};

/// A drawing without a notation.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) shapes: Vec<Shape>,
    pub(super) arrows: Vec<Arrow>,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Shape {
    pub(super) label: String,
    pub(super) kind: ShapeKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ShapeKind {
    /// A workload.
    Actor,
    /// Something that nobody in the scene produces.
    Elsewhere,
}

#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    pub(super) line: Line,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// It must hold.
    Solid,
    /// It may hold, or must not.
    Dashed,
    /// It is part of a ring.
    Ring,
}

impl Graph<'_> {
    pub(super) fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        let actors = self.scene.actors().iter();
        picture.shapes.extend(actors.map(|actor| Shape {
            label: self.name(actor),
            kind: ShapeKind::Actor,
        }));
        let rings: Vec<_> = self.rings().into_iter().flatten().collect();
        let mut elsewhere = BTreeMap::new();
        for (index, link) in self.links.iter().enumerate() {
            for producer in &link.producers {
                let in_ring =
                    |step: &super::Step| step.link == index && step.producer == producer.actor;
                picture.arrows.push(Arrow {
                    from: producer.actor,
                    to: link.consumer,
                    label: self.label(link, producer),
                    line: self.line(link, rings.iter().any(in_ring)),
                });
            }
            if link.producers.is_empty() {
                self.draw_elsewhere(&mut picture, &mut elsewhere, link);
            }
        }
        picture
    }

    fn draw_elsewhere(
        &self,
        picture: &mut Picture,
        elsewhere: &mut BTreeMap<String, usize>,
        link: &Link,
    ) {
        let label = self.term(link).value.target.to_string();
        let from = *elsewhere.entry(label.clone()).or_insert_with(|| {
            picture.shapes.push(Shape {
                label,
                kind: ShapeKind::Elsewhere,
            });
            picture.shapes.len() - 1
        });
        picture.arrows.push(Arrow {
            from,
            to: link.consumer,
            label: String::new(),
            line: self.line(link, false),
        });
    }

    /// Returns the name of an actor, with its namespace where there is more than one.
    pub fn name(&self, actor: &Actor<'_>) -> String {
        let mut others = self.scene.actors().iter();
        if others.all(|other| other.namespace == actor.namespace) {
            actor.workload.to_string()
        } else {
            format!("{} ({})", actor.workload, actor.namespace)
        }
    }

    fn label(&self, link: &Link, producer: &Producer) -> String {
        let term = &self.term(link).value;
        match producer.via {
            Via::Signal(key) if key != Key::Signals => {
                format!("{}{} {}", term.presence, term.target, after(key))
            }
            _ => format!("{}{}", term.presence, term.target),
        }
    }

    fn line(&self, link: &Link, in_ring: bool) -> Line {
        match self.term(link).value.presence {
            _ if in_ring => Line::Ring,
            Presence::Failure | Presence::Optional => Line::Dashed,
            Presence::Required => Line::Solid,
        }
    }
}

/// Returns when a signal of this key comes, to be read after the variable's name.
pub(super) fn after(key: Key) -> &'static str {
    match key {
        Key::SignalsOnFailure => "(on failure)",
        Key::SignalsOnInit => "(on init)",
        Key::SignalsOnReady => "(on ready)",
        Key::SignalsOnSuccess => "(on success)",
        _ => "(on start)",
    }
}
