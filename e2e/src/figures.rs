//! `e2e figures`: measures the cost of oncue on the cluster. The figures have no limits.
//!
//! | module | what it measures |
//! | --- | --- |
//! | `overhead` | a wait whose terms already hold, compared with pods that do not wait |
//! | `release` | from a created variable to the end of the init container that waited for it |
//! | `events` | from the event that makes a term true to the released container, gate or probe |
//! | `crowd` | memory and CPU of oncue's pods while a node is full of waiting pods |
//! | `gates` | many gated pods that may start at the same time |
//! | `signals` | 1,000 pods that start and signal at once: who answers, how soon, after how many reviews |
//! | `fleet` | memory and CPU of the controller with thousands of pods |
//! | `fake_node` | pods that no kubelet runs |
//! | `usage` | memory and CPU of oncue's processes |
//! | `sample` | durations, as percentiles |

mod crowd;
mod events;
mod fake_node;
mod fleet;
mod gates;
mod overhead;
mod release;
mod sample;
mod signals;
mod usage;

use anyhow::Result;
use clap::ValueEnum;

use crate::kit::{with_oncue, with_temp_ns};

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Figure {
    /// The cost of a wait whose terms already hold
    Overhead,
    /// From a created variable to the released container
    Release,
    /// From an event to the released container, gate or probe
    Events,
    /// Memory and CPU while 200 pods wait on one node
    Crowd,
    /// 1,000 gated pods that may start at the same time
    Gates,
    /// 1,000 pods that start and signal at once
    Signals,
    /// Memory and CPU of the store and controller with 10,000 pods
    Fleet,
}

/// Measures and prints these figures, or all of them, each in its own namespace.
pub async fn print(figures: &[Figure]) -> Result<()> {
    let figures = match figures {
        [] => Figure::value_variants(),
        some => some,
    };
    for figure in figures {
        // Boxed, because these futures are large.
        match figure {
            Figure::Overhead => Box::pin(with_temp_ns(overhead::print)).await,
            Figure::Release => Box::pin(with_temp_ns(release::print)).await,
            Figure::Events => Box::pin(with_temp_ns(events::print)).await,
            Figure::Crowd => Box::pin(with_temp_ns(crowd::print)).await,
            Figure::Gates => Box::pin(with_temp_ns(gates::print)).await,
            Figure::Signals => Box::pin(with_oncue(signals::print)).await,
            Figure::Fleet => Box::pin(with_oncue(fleet::print)).await,
        }?;
    }
    Ok(())
}
