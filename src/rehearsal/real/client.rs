//! The client as a process of `oncue rehearse --real`: this very binary under another name.
//!
//! It is the whole client but for two of its surroundings: its clock may run faster, and it probes
//! by asking the rehearsal, since the hosts of the files exist nowhere.

mod clock;
mod prober;

use std::{
    ffi::OsString,
    io::{self, Read},
    path::PathBuf,
    process::{self, ExitCode},
    sync::Arc,
    thread,
    time::Duration,
};

use oncue_client::Surroundings;
use serde::{Deserialize, Serialize};

pub(crate) use self::prober::{ProbeAnswer, ProbeQuestion};
use self::{clock::FastClock, prober::AskingProber};

/// The environment variable by which a client knows that it is rehearsing.
pub(crate) const VARIABLE: &str = "ONCUE_REHEARSAL";

/// What a client has to know of the rehearsal it is a part of.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Part {
    /// The socket that answers probes.
    pub(crate) socket: PathBuf,
    /// When the rehearsal began, in the time since the Unix epoch.
    pub(crate) began: Duration,
    /// How many times faster than reality time runs.
    pub(crate) speed: f64,
    /// The pod's namespace.
    pub(crate) namespace: String,
    /// The pod's name.
    pub(crate) pod: String,
}

/// Runs the client with the arguments that follow the program's own name.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut surroundings = Surroundings::of_this_process();
    let part = surroundings
        .environment
        .non_empty(VARIABLE)
        .map(serde_json::from_str::<Part>);
    match part {
        None => {}
        Some(Ok(part)) => {
            surroundings.clock = Arc::new(FastClock::new(part.began, part.speed));
            surroundings.prober = Arc::new(AskingProber { part });
            end_with_the_rehearsal();
        }
        Some(Err(error)) => {
            surroundings
                .console
                .complain(format_args!("failed to read {VARIABLE}: {error}"));
            return ExitCode::from(USAGE);
        }
    }
    oncue_client::run(args, &surroundings)
}

/// The rehearsal holds the other end of the standard input: however it ends, so does this process.
fn end_with_the_rehearsal() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        process::exit(TERMINATED)
    });
}

const USAGE: u8 = 2;
/// As of SIGTERM.
const TERMINATED: i32 = 143;
