//! `e2e test`: runs the tests with cargo, first in parallel, then those that disturb others.

use std::{env, time::Duration};

use anyhow::Result;

use crate::{folders::repository, process::Program};

/// Number of parallel tests of `tests/cluster`. They mostly wait.
const SIDE_BY_SIDE: u32 = 4;

/// Longer than all of them take.
const LIMIT: Duration = Duration::from_mins(40);

/// Runs the tests whose names contain one of the filters; all of them if there is none.
pub async fn run(filters: &[String]) -> Result<()> {
    // A failure of one suite says nothing about the other, so both results are reported.
    let side_by_side = run_target("cluster", SIDE_BY_SIDE, filters).await;
    run_target("disruption", 1, filters).await?;
    side_by_side
}

async fn run_target(target: &str, at_a_time: u32, filters: &[String]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let test = Program::new(cargo).folder(repository());
    let test = test.args([
        "test",
        "--quiet",
        "--locked",
        "-p",
        "e2e",
        "--features=cluster",
    ]);
    let test = test.args(["--test", target, "--"]).args(filters);
    test.arg(format!("--test-threads={at_a_time}"))
        .limit(LIMIT)
        .shown()
        .await
}
