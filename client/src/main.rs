//! The client's binary: the only file of the image that waits.

use std::process::ExitCode;

use oncue_client::Surroundings;

fn main() -> ExitCode {
    oncue_client::run(
        std::env::args_os().skip(1),
        &Surroundings::of_this_process(),
    )
}
