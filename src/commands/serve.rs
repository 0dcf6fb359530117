//! `oncue serve`: all roles in one process.

use std::process::ExitCode;

use clap::Args;

/// The arguments of `oncue serve`.
#[derive(Args, Debug)]
pub struct Serve {}

impl Serve {
    /// Serves until the process is told to stop.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::bail!("serving is not there yet")
    }
}
