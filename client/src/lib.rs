//! The client of oncue: waits for what a pod depends on, and signals what others depend on.
//!
//! It is a library, so that the server's binary can be the client too. [`run`] is the whole
//! program. Everything it uses besides the store is in [`Surroundings`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`api`] | [`Api`](api::Api), the blocking client of the store's HTTP API |
//! | [`names`] | [`Names`](names::Names), host names to addresses without libc |
//! | [`prober`] | [`Prober`](prober::Prober), the checks of `tcp://` and `http://` terms |
//! | [`backoff`] | [`Backoff`](backoff::Backoff), how long to wait before the next try |
//! | [`environment`] | [`Environment`](environment::Environment), the variables it reads |
//! | [`surroundings`] | [`Surroundings`] and [`Clock`](surroundings::Clock) |
//! | [`wait`] | the decisions of a wait: pure, so that a simulation can run them too |
//! | `waiting` | the threads and channels around it |
//! | `marker` | the post-start marker, with the user's own hook in front |
//! | `folder` | the folder that a pod's containers share |
//! | `pod_file` | the file there for the other containers |
//! | `place` | the store to use, and the namespace in it |

pub mod api;
mod args;
pub mod backoff;
mod commands;
pub mod environment;
mod exit;
mod folder;
pub mod interrupts;
mod marker;
pub mod names;
mod place;
mod pod;
mod pod_file;
pub mod prober;
pub mod surroundings;
mod termination;
pub mod wait;
mod waiting;

pub use self::surroundings::Surroundings;

use std::{ffi::OsString, process::ExitCode};

use self::{
    args::{Command, Topic},
    exit::Exit,
};

/// The client's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the client with the arguments that follow the program's own name.
pub fn run(args: impl IntoIterator<Item = OsString>, surroundings: &Surroundings) -> ExitCode {
    let exit = match Command::parse(args) {
        Ok(command) => perform(command, surroundings),
        Err(error) => {
            surroundings.console.complain(&error);
            surroundings
                .console
                .complain(format_args!("example: {}", error.topic.example()));
            Exit::Usage
        }
    };
    exit.into()
}

fn perform(command: Command, surroundings: &Surroundings) -> Exit {
    let console = &surroundings.console;
    match command {
        Command::Create(create) => commands::create(&create, surroundings),
        Command::CreateMarked => marker::create_marked(surroundings),
        Command::Exists(exists) => commands::exists(&exists, surroundings),
        Command::Help(topic) => help(topic, surroundings),
        Command::Install { directory } => commands::install(&directory, surroundings),
        Command::Mark { original } => marker::mark(&original, surroundings),
        Command::Version => {
            console.say(format_args!("oncue-client {VERSION}"));
            Exit::Held
        }
        Command::Wait(wait) => waiting::wait(*wait, surroundings),
    }
}

fn help(topic: Topic, surroundings: &Surroundings) -> Exit {
    surroundings.console.show(topic.text().trim_end());
    Exit::Held
}
