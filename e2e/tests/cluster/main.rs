//! Scenarios on the cluster of `e2e up`, each in a namespace of its own, several at a time.

mod by_hand;
mod controllers;
mod deletion;
mod nodes;
mod ordering;
mod outcomes;
mod refusals;
mod skipped;
