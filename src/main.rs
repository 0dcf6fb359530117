//! The binary `oncue`; called `kubectl-oncue` it is a kubectl plugin.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    oncue::commands::run(env::args_os())
}
