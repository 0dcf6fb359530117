//! The binary `oncue`; called `kubectl-oncue` it is a kubectl plugin.

use std::{env, process::ExitCode};

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    oncue::commands::run(env::args_os())
}
