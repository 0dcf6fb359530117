//! The post-start marker: the user's own hook first, then the pod's signals.

use std::{
    ffi::OsString,
    io::ErrorKind,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use oncue_language::Signal;
use thiserror::Error;

use crate::{
    Surroundings,
    api::{Api, ApiError, Assertion, Endpoint, EndpointError},
    backoff::Backoff,
    commands::{CommandError, NamedSignal},
    exit::Exit,
    folder::{Folder, FolderError, MarkerFile},
    names::Names,
};

/// How long a marker may hold its container up.
const BUDGET: Duration = Duration::from_secs(2);

/// `create --marker [-- COMMAND...]`: fails only where `original` does.
pub(crate) fn mark(original: &[OsString], surroundings: &Surroundings) -> Exit {
    if let Err(exit) = run_original(original, surroundings) {
        return exit;
    }
    if let Err(error) = signal_in_time(surroundings) {
        surroundings
            .console
            .complain(format_args!("{error}; a controller may signal later"));
    }
    Exit::Held
}

/// Runs the hook that the marker took the place of.
fn run_original(original: &[OsString], surroundings: &Surroundings) -> Result<(), Exit> {
    let Some((program, args)) = original.split_first() else {
        return Ok(());
    };
    match Command::new(program).args(args).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Exit::Command(exit_code(status))),
        Err(error) => {
            let program = program.to_string_lossy();
            surroundings
                .console
                .complain(format_args!("failed to run {program}: {error}"));
            Err(Exit::Command(match error.kind() {
                ErrorKind::NotFound => 127,
                _ => 126,
            }))
        }
    }
}

/// Returns the code by which a shell tells how a command ended.
fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(1)
}

/// Signals on a thread of its own, so that nothing it waits for can take longer than the budget.
fn signal_in_time(surroundings: &Surroundings) -> Result<(), MarkerError> {
    let deadline = Instant::now() + BUDGET;
    let folder = Folder::new(surroundings.executable.parent().unwrap_or("/".as_ref()));
    let marker = folder.read_marker()?;
    let names = surroundings.names.clone();
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(signal_all(&marker, &names, deadline)));
    let left = deadline.saturating_duration_since(Instant::now());
    result.recv_timeout(left).unwrap_or(Err(MarkerError::Late))
}

fn signal_all(marker: &MarkerFile, names: &Names, deadline: Instant) -> Result<(), MarkerError> {
    let endpoint = Endpoint {
        url: marker.server.parse()?,
        fallback: marker.server_ip,
        ca: marker.ca.clone(),
    };
    let api = Api::new(&endpoint, names)?;
    for text in &marker.signals {
        let signal = text
            .parse::<Signal>()
            .map_err(|error| MarkerError::Signal {
                text: text.clone(),
                rule: error.to_string(),
            })?;
        signal_until(deadline, &api, &NamedSignal::of(&signal)?, marker)?;
    }
    Ok(())
}

/// Tries again until the deadline, unless the store says that the signal is wrong.
fn signal_until(
    deadline: Instant,
    api: &Api,
    signal: &NamedSignal,
    marker: &MarkerFile,
) -> Result<(), MarkerError> {
    let mut random = fastrand::Rng::new();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));
    let assertion = Assertion {
        value: signal.value.clone(),
        owner: Some(marker.owner.clone()),
        ttl: None,
    };
    let namespace = marker
        .owner
        .namespace
        .parse()
        .map_err(|_| MarkerError::Namespace)?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let attempt = api
            .clone()
            .with_patience(left.max(Duration::from_millis(1)));
        let Err(error) = attempt.create(&namespace, &signal.name, &assertion) else {
            return Ok(());
        };
        let delay = backoff.after_failure(&mut random);
        if error.is_final() || Instant::now() + delay >= deadline {
            return Err(error.into());
        }
        thread::sleep(delay);
    }
}

/// Why a marker did not signal.
#[derive(Debug, Error)]
enum MarkerError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the store did not answer within {}s", BUDGET.as_secs())]
    Late,
    #[error("the namespace in marker.json is none")]
    Namespace,
    #[error("the signal {text:?} in marker.json is wrong: {rule}")]
    Signal { text: String, rule: String },
}
