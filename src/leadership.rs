//! Which replica leads: the holder of a Lease does what only one replica may do.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `candidate` | [`Candidate`](candidate::Candidate), which decides what to do about a Lease |
//! | `elector` | [`Elector`], the task that claims, renews and releases the Lease |
//! | `handle` | [`Leadership`], which tells the parts of the process whether it leads |
//! | `steady_clock` | [`SteadyClock`], the clock by which a Lease ends |
//!
//! The clocks of the nodes need not agree: a candidate measures by its own steady clock how long it
//! has seen a Lease unchanged, and a leader measures from before it sent a renewal. So a leader
//! knows of the end of its Lease before a candidate may take it.

mod candidate;
mod elector;
mod handle;
mod steady_clock;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use self::{
    elector::Elector,
    handle::{Leadership, NotLeader},
    steady_clock::{BootClock, SteadyClock},
};

#[cfg(test)]
pub(crate) use self::handle::Lead;

/// How long a Lease lasts: a candidate that has seen it unchanged for so long may take it.
const LEASE: Duration = Duration::from_secs(10);

/// How long a leader relies on its Lease, from before it sent the last renewal. The rest is for what
/// is under way then, and for clocks that do not run at the same speed.
const RELIANCE: Duration = Duration::from_secs(8);
