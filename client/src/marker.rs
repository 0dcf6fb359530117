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

use oncue_language::{Namespace, Owner, Signal};
use oncue_wire::AssertRequest;
use thiserror::Error;

use crate::{
    Surroundings,
    api::{Api, ApiError, EndpointError},
    backoff::Backoff,
    commands::{CommandError, NamedSignal},
    exit::Exit,
    folder::{Folder, FolderError},
    names::Names,
    pod_file::PodFile,
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
    let file = Folder::beside(&surroundings.executable).read_pod_file()?;
    let file = file.ok_or(MarkerError::Nothing)?;
    let names = surroundings.names.clone();
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(signal_all(&file, &names, deadline)));
    let left = deadline.saturating_duration_since(Instant::now());
    result.recv_timeout(left).unwrap_or(Err(MarkerError::Late))
}

fn signal_all(file: &PodFile, names: &Names, deadline: Instant) -> Result<(), MarkerError> {
    let marker = file.marker.as_ref().ok_or(MarkerError::Nothing)?;
    let api = Api::new(&file.endpoint()?, names)?;
    let namespace = file.namespace().map_err(|_| MarkerError::Namespace)?;
    for text in &marker.signals {
        let signal = text
            .parse::<Signal>()
            .map_err(|error| MarkerError::Signal {
                text: text.clone(),
                rule: error.to_string(),
            })?;
        let signal = NamedSignal::of(&signal)?;
        signal_until(deadline, (&api, &namespace), &signal, &marker.owner)?;
    }
    Ok(())
}

/// Tries again until the deadline, unless the store says that the signal is wrong.
fn signal_until(
    deadline: Instant,
    (api, namespace): (&Api, &Namespace),
    signal: &NamedSignal,
    owner: &Owner,
) -> Result<(), MarkerError> {
    let mut random = fastrand::Rng::new();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));
    let assertion = AssertRequest {
        value: signal.value.clone(),
        owner: Some(owner.clone()),
        ..AssertRequest::default()
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let attempt = api
            .clone()
            .with_patience(left.max(Duration::from_millis(1)));
        let Err(error) = attempt.create(namespace, &signal.name, &assertion) else {
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
    #[error("the namespace in pod.json is none")]
    Namespace,
    #[error("there is nothing to signal: no `wait --mark` has left it in pod.json")]
    Nothing,
    #[error("the signal {text:?} in pod.json is wrong: {rule}")]
    Signal { text: String, rule: String },
}
