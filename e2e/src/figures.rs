//! `e2e figures`: measures the cost of oncue on the cluster. The figures have no limits.
//!
//! | module | what it measures |
//! | --- | --- |
//! | `overhead` | a wait whose terms already hold, compared with pods that do not wait |
//! | `release` | from a created variable to the end of the init container that waited for it |
//! | `events` | from the event that makes a term true to the released container, gate or probe |
//! | `crowd` | memory and CPU of oncue's pods while a node is full of waiting pods |
//! | `gates` | many gated pods that may start at the same time |
//! | `fleet` | memory and CPU of the controller with thousands of pods |
//! | `usage` | memory and CPU of oncue's processes |
//! | `sample` | durations, as percentiles |

mod crowd;
mod events;
mod fleet;
mod gates;
mod overhead;
mod release;
mod sample;
mod usage;

use anyhow::Result;

use crate::kit::{with_oncue, with_temp_ns};

/// Measures and prints everything, each in its own namespace.
pub async fn print() -> Result<()> {
    Box::pin(with_temp_ns(overhead::print)).await?;
    Box::pin(with_temp_ns(release::print)).await?;
    Box::pin(with_temp_ns(events::print)).await?;
    Box::pin(with_temp_ns(crowd::print)).await?;
    Box::pin(with_temp_ns(gates::print)).await?;
    Box::pin(with_oncue(fleet::print)).await
}
