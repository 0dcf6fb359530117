//! What is reported of pods that wait: a condition, Events and numbers.
//!
//! Pure: what was observed comes in as values, and so does the time. The shell of the controller
//! tells [`Reporter`] which pods it sees and what the store says of their terms, and carries out
//! the [`Reports`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | `reported_pod`, `wait_container` | what is read of a pod, on arrival |
//! | `condition`, `event`, `summary` | what is written and counted |
//! | `reported_wait` | what is known of one wait, and when to write about it |
//! | `sentence`, `message` | what is missing and who would provide it, in words of a limited length |
//! | `deadlocks` | live pods that wait for each other |
//! | `reporter` | [`Reporter`], all pods together |
//!
//! Every decision is level-triggered: what a condition should say is compared with what it says. So
//! a write that was lost, or undone by someone else, is decided again.

mod condition;
mod deadlocks;
mod event;
#[cfg(test)]
mod kit;
mod message;
mod reported_pod;
mod reported_wait;
mod reporter;
mod sentence;
mod summary;
#[cfg(test)]
mod tests;
mod wait_container;

use self::reported_wait::ReportedWait;
pub use self::{
    condition::{CONDITION, ConditionReport, HeldCondition, HeldReason, ObservedCondition},
    event::EventReport,
    message::MAX_MESSAGE,
    reported_pod::ReportedPod,
    reporter::{JudgedWait, Reporter, Reports, Unjudged},
    summary::WaitSummary,
    wait_container::wait_status,
};
