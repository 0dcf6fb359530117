//! Who produces what for whom: the graph of a set of objects, its rings, and how it is drawn.
//!
//! Pure. A workload is one node, however many pods it makes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `actor` | [`Actor`], a workload with what its pods ask for |
//! | `pattern` | names of which a part is known only once a pod runs |
//! | `scene` | [`Scene`], all actors, and who produces what a term asks for |
//! | `ring` | who waits for each other for ever |
//! | `draw`, `text`, `dot`, `mermaid` | drawings |

mod actor;
mod dot;
mod draw;
mod mermaid;
mod pattern;
mod ring;
mod scene;
mod supply;
mod text;

pub use self::{
    actor::{Actor, Selector},
    ring::Step,
    scene::{Producer, Scene, Via},
    supply::Supply,
};

use std::ops::Range;

use crate::language::{Located, Term};

/// A scene with every term linked to who produces what it asks for.
#[derive(Debug)]
pub struct Graph<'a> {
    scene: Scene<'a>,
    /// By consumer, then by term.
    links: Vec<Link>,
    /// Where the links of each actor stand among them.
    own: Vec<Range<usize>>,
}

/// One term of one actor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Who waits: its position among the actors.
    pub consumer: usize,
    /// For what: the position in its `depends-on`.
    pub term: usize,
    /// Who can make it hold; nobody where it is not in the scene.
    pub producers: Vec<Producer>,
}

impl<'a> Graph<'a> {
    /// Links the terms of every actor of `scene`.
    pub fn new(scene: Scene<'a>) -> Self {
        let mut links = Vec::new();
        let mut own = Vec::new();
        for (consumer, actor) in scene.actors().iter().enumerate() {
            let first = links.len();
            for (term, located) in actor.annotations.depends_on.iter().enumerate() {
                links.push(Link {
                    consumer,
                    term,
                    producers: scene.producers(actor, &located.value),
                });
            }
            own.push(first..links.len());
        }
        Self { scene, links, own }
    }

    /// Returns the scene.
    pub fn scene(&self) -> &Scene<'a> {
        &self.scene
    }

    /// Returns the links, by actor and term.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Returns who waits in `link`.
    pub fn consumer(&self, link: &Link) -> &Actor<'a> {
        &self.scene.actors()[link.consumer]
    }

    /// Returns the term of `link`.
    pub fn term(&self, link: &Link) -> &Located<Term> {
        &self.consumer(link).annotations.depends_on[link.term]
    }
}

#[cfg(test)]
mod tests;
