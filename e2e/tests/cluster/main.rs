//! Tests on the cluster of `e2e up`, each in its own namespace, several at a time.

mod by_hand;
mod command_line;
mod controllers;
mod deletion;
mod fence;
mod gates;
mod goldens;
mod guests;
mod hooks;
mod identity;
mod installing;
mod life;
mod nodes;
mod objects;
mod ordering;
mod outcomes;
mod policies;
mod probes;
mod refusals;
mod releases;
mod reporting;
mod seen;
mod signals;
mod skipped;
mod warnings;
