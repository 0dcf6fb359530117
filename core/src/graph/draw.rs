//! What every drawing shows: boxes, and arrows from producers to consumers.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::Graph;
use crate::{
    language::{Presence, annotation::Key},
    model::{Link, MemberId, Producer, Via},
};

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
    Member,
    /// Something that no member produces.
    Elsewhere,
    /// Something that many members produce for many others, in the place of an arrow for each two.
    Shared,
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
    /// It is part of a cycle.
    Ring,
}

impl Graph<'_> {
    pub(super) fn picture(&self) -> Picture {
        let mut drawer = Drawer::new(self);
        for link in self.links.iter() {
            drawer.draw(link);
        }
        drawer.picture
    }
}

/// From this many arrows on between the producers and the consumers of one thing, it gets a shape
/// of its own.
const CROWDED: usize = 64;

/// A picture while it is drawn.
struct Drawer<'g> {
    graph: &'g Graph<'g>,
    picture: Picture,
    /// The shapes of members.
    members: BTreeMap<MemberId, usize>,
    /// The shapes of what no member produces, by label.
    elsewhere: BTreeMap<String, usize>,
    /// The shapes of what many members produce for many others.
    shared: BTreeMap<usize, usize>,
    /// The producers in the steps of cycles, by consumer and term.
    ring: BTreeMap<(MemberId, usize), MemberId>,
}

impl<'g> Drawer<'g> {
    fn new(graph: &'g Graph<'g>) -> Self {
        let steps = graph.cycles.iter().flat_map(|cycle| &cycle.ring);
        let ring = steps.map(|step| ((step.link.consumer, step.link.term), step.producer));
        let mut drawer = Self {
            graph,
            picture: Picture::default(),
            members: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            shared: BTreeMap::new(),
            ring: ring.collect(),
        };
        for id in graph.links.members() {
            let mut label = graph.links.model().name(id);
            let words: BTreeSet<_> = graph.remarks(id).iter().map(|it| &*it.word).collect();
            for word in words {
                label = format!("{label} [{word}]");
            }
            let shape = drawer.picture.add_shape(label, ShapeKind::Member);
            drawer.members.insert(id, shape);
        }
        drawer
    }

    fn draw(&mut self, link: &Link) {
        let links = &self.graph.links;
        let producers = links.producers(link);
        let (want, consumers) = links.shared(link);
        if producers.is_empty() {
            self.draw_elsewhere(link);
        } else if producers.len().min(consumers) > 1 && producers.len() * consumers > CROWDED {
            self.draw_shared(link, want);
        } else {
            let next = self.ring.get(&(link.consumer, link.term)).copied();
            for producer in producers {
                let stroke = match next {
                    Some(next) if next == producer.member => Line::Ring,
                    _ => self.line(link),
                };
                let label = self.label(link) + &suffix(producer);
                self.arrow(self.members[&producer.member], link, (label, stroke));
            }
        }
    }

    fn draw_elsewhere(&mut self, link: &Link) {
        let label = self.graph.links.term(link).value.target.to_string();
        let shape = self.elsewhere.entry(label);
        let from = match shape {
            Entry::Occupied(shape) => *shape.get(),
            Entry::Vacant(new) => {
                let label = new.key().clone();
                *new.insert(self.picture.add_shape(label, ShapeKind::Elsewhere))
            }
        };
        self.arrow(from, link, (String::new(), self.line(link)));
    }

    fn draw_shared(&mut self, link: &Link, want: usize) {
        let from = match self.shared.get(&want) {
            Some(shape) => *shape,
            None => self.add_shared(link, want),
        };
        let stroke = match self.ring.get(&(link.consumer, link.term)) {
            Some(_) => Line::Ring,
            None => self.line(link),
        };
        self.arrow(from, link, (self.label(link), stroke));
    }

    fn add_shared(&mut self, link: &Link, want: usize) -> usize {
        let links = &self.graph.links;
        let label = links.term(link).value.to_string();
        let shape = self.picture.add_shape(label, ShapeKind::Shared);
        self.shared.insert(want, shape);
        for producer in links.producers(link) {
            self.picture.arrows.push(Arrow {
                from: self.members[&producer.member],
                to: shape,
                label: suffix(producer).trim_start().to_owned(),
                line: Line::Solid,
            });
        }
        shape
    }

    fn arrow(&mut self, from: usize, link: &Link, (label, stroke): (String, Line)) {
        self.picture.arrows.push(Arrow {
            from,
            to: self.members[&link.consumer],
            label,
            line: stroke,
        });
    }

    fn label(&self, link: &Link) -> String {
        let term = &self.graph.links.term(link).value;
        format!("{}{}", term.presence, term.target)
    }

    fn line(&self, link: &Link) -> Line {
        match self.graph.links.term(link).value.presence {
            Presence::Failure | Presence::Optional => Line::Dashed,
            Presence::Required => Line::Solid,
        }
    }
}

impl Picture {
    fn add_shape(&mut self, label: String, kind: ShapeKind) -> usize {
        self.shapes.push(Shape { label, kind });
        self.shapes.len() - 1
    }
}

/// Returns what follows a name to tell when a signal is created; nothing for the plain key.
pub(super) fn suffix(producer: &Producer) -> String {
    match producer.via {
        Via::Existing => " (exists)".to_owned(),
        Via::Signal(key) if key != Key::Signals => format!(" {}", after(key)),
        Via::Object | Via::Probe | Via::Signal(_) => String::new(),
    }
}

/// Returns when a signal of this key is created, to be read after the variable's name.
pub(super) fn after(key: Key) -> &'static str {
    match key {
        Key::SignalsOnFailure => "(on failure)",
        Key::SignalsOnInit => "(on init)",
        Key::SignalsOnReady => "(on ready)",
        Key::SignalsOnSuccess => "(on success)",
        Key::SignalsOnWait => "(on wait)",
        _ => "(on start)",
    }
}
