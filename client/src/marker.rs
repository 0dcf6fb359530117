//! The post-start marker: the user's own hook first, then the pod's signals.
//!
//! A hook that fails ends its container. So only the user's own hook decides the exit code of a
//! marker. The marker signals in a child process, whose exit code does not matter.

mod signalling;

use std::{
    ffi::OsString,
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixStream,
            process::{CommandExt, ExitStatusExt},
        },
    },
    panic,
    process::{self, Child, Command, ExitStatus},
    thread,
    time::Duration,
};

use thiserror::Error;

pub(crate) use self::signalling::create_marked;
use crate::{Surroundings, exit::Exit};

/// How long the signals may take. With the end of its child, the marker delays its container by at
/// most two seconds.
const BUDGET: Duration = Duration::from_millis(1900);

/// `create --marker [-- COMMAND...]`: fails only if `original` does.
pub(crate) fn mark(original: &[OsString], surroundings: &Surroundings) -> Exit {
    exit_well_in_a_panic();
    if let Err(exit) = run_original(original, surroundings) {
        return exit;
    }
    if let Err(error) = signal_in_a_child(surroundings) {
        surroundings
            .console
            .complain(format_args!("{error}; a controller may signal later"));
    }
    Exit::Held
}

/// Exits with 0 after a panic. The panic hook runs even if panics abort.
fn exit_well_in_a_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        process::exit(0);
    }));
}

/// Runs the user's hook, which the marker replaces.
fn run_original(original: &[OsString], surroundings: &Surroundings) -> Result<(), Exit> {
    let Some((program, args)) = original.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command.args(args);
    // If the pod may not have another process, the hook can still have this one.
    let Ok(mut child) = command.spawn() else {
        return Err(not_run(program, &command.exec(), surroundings));
    };
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Exit::Command(exit_code(status))),
        // The hook ran, but SIGCHLD is ignored, so its exit code is unknown.
        Err(_) => Err(Exit::Held),
    }
}

/// Returns a shell's exit code for a command that did not run.
fn not_run(program: &OsString, error: &io::Error, surroundings: &Surroundings) -> Exit {
    let program = program.to_string_lossy();
    surroundings
        .console
        .complain(format_args!("failed to run {program}: {error}"));
    Exit::Command(match error.kind() {
        io::ErrorKind::NotFound => 127,
        _ => 126,
    })
}

/// Returns the shell's exit code for a command.
fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(1)
}

/// Runs `create --marked` as a child, for as long as the budget allows.
fn signal_in_a_child(surroundings: &Surroundings) -> Result<(), MarkerError> {
    let (mut watched, held) = UnixStream::pair()?;
    watched.set_read_timeout(Some(BUDGET))?;
    let mut child = Command::new(&surroundings.executable)
        .args(["create", "--marked"])
        .stdin(OwnedFd::from(held))
        .spawn()?;
    // The child never writes, and closes its end when it exits.
    if watched.read_to_end(&mut Vec::new()).is_err() {
        child.kill()?;
        reap(&mut child);
        return Err(MarkerError::Late);
    }
    let status = child.wait()?;
    match status.code() {
        // The child has printed its error.
        Some(_) => Ok(()),
        None => Err(MarkerError::Killed { status }),
    }
}

/// Reaps the killed child, so that the container's first process gets no zombie. Gives up if the
/// child is stuck in the kernel.
fn reap(child: &mut Child) {
    for _ in 0..REAP_TRIES {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        thread::sleep(REAP_PAUSE);
    }
}

/// The number of attempts to reap a killed child.
const REAP_TRIES: u32 = 20;

/// The pause between these attempts.
const REAP_PAUSE: Duration = Duration::from_millis(5);

/// Why the result of the signals is unknown.
#[derive(Debug, Error)]
enum MarkerError {
    #[error("failed to start a process that signals: {0}")]
    Io(#[from] io::Error),
    #[error("the process that signals ended with {status}")]
    Killed { status: ExitStatus },
    #[error("the store did not answer in time")]
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs as the child of the test below.
    #[test]
    #[ignore = "it panics and ends the process"]
    fn panics_as_a_marker() {
        exit_well_in_a_panic();
        panic!("a mistake of ours");
    }

    #[test]
    fn a_panic_does_not_reach_the_exit_code() {
        let test = [
            "--exact",
            "marker::tests::panics_as_a_marker",
            "--ignored",
            "--nocapture",
        ];
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(test)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0));
        assert!(said.contains("a mistake of ours"), "{said}");
    }
}
