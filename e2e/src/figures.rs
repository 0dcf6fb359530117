//! `e2e figures`: what oncue costs on the cluster. Prints, and judges nothing.
//!
//! | module | what is measured |
//! | --- | --- |
//! | `overhead` | a wait that is already satisfied, beside pods that do not wait |
//! | `release` | from a created variable to the end of the init container that waited for it |
//! | `crowd` | memory and CPU of oncue's pods while a node is full of waiting pods |
//! | `sample` | durations, as percentiles |

mod crowd;
mod overhead;
mod release;
mod sample;

use anyhow::Result;

use crate::kit::with_temp_ns;

/// Measures and prints everything, each in a namespace of its own.
pub async fn print() -> Result<()> {
    Box::pin(with_temp_ns(overhead::print)).await?;
    Box::pin(with_temp_ns(release::print)).await?;
    Box::pin(with_temp_ns(crowd::print)).await
}
