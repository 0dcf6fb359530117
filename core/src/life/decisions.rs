//! What the life of signals asks its shell to do.

use oncue_language::{Owner, Timestamp};

use crate::world::Mutation;

/// What the life of signals asks its shell to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decisions {
    /// The changes of variables, in the order in which to make them. Those of one assertion must not
    /// overtake each other, nor must those of the durable assertions of one variable.
    pub mutations: Vec<Mutation>,
    /// The pods to ask the API server for by name: a missing label or a stale list is not enough to
    /// withdraw anything.
    pub confirm: Vec<Owner>,
    /// When to decide again, whether anything is observed until then or not.
    pub next: Option<Timestamp>,
}
