//! rehearsal
#![allow(dead_code, reason = "the stage is being built")]
mod cast;
mod cue;
mod directions;
mod kubelet;
mod quiescence;
mod stage;
