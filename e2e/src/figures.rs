//! `e2e figures`: measures the cost of oncue on the cluster. The figures have no limits.
//!
//! | module | what it measures |
//! | --- | --- |
//! | `overhead` | a wait whose terms already hold, compared with pods that do not wait |
//! | `release` | from a created variable to the end of the init container that waited for it |
//! | `crowd` | memory and CPU of oncue's pods while a node is full of waiting pods |
//! | `sample` | durations, as percentiles |

mod crowd;
mod overhead;
mod release;
mod sample;

use anyhow::Result;

use crate::kit::with_temp_ns;

/// Measures and prints everything, each in its own namespace.
pub async fn print() -> Result<()> {
    Box::pin(with_temp_ns(overhead::print)).await?;
    Box::pin(with_temp_ns(release::print)).await?;
    Box::pin(with_temp_ns(crowd::print)).await
}
