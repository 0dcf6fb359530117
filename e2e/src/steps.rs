//! Prints each step, and how many seconds it took.

use std::time::Instant;

use anyhow::Result;

/// Runs one step, and prints its duration.
pub(crate) async fn step<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let began = Instant::now();
    let done = work.await?;
    eprintln!("{:6.1} s  {name}", began.elapsed().as_secs_f64());
    Ok(done)
}
