//! `create --marked`: asserts the signals that a wait left for the marker of its pod.

use std::{
    thread,
    time::{Duration, Instant},
};

use oncue_language::{Namespace, Owner, Signal, name::NamespaceError};
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

/// How long the attempts may take together: a little less than the marker waits, so that the reason
/// of a failure is still printed.
const BUDGET: Duration = Duration::from_millis(1800);

/// Asserts the signals on the caller's thread, because the process may not start another one.
pub(crate) fn create_marked(surroundings: &Surroundings) -> Exit {
    match read_and_signal(surroundings) {
        Ok(()) => Exit::Held,
        Err(error) => {
            surroundings
                .console
                .complain(format_args!("{error}; a controller may signal later"));
            Exit::Error
        }
    }
}

fn read_and_signal(surroundings: &Surroundings) -> Result<(), SignallingError> {
    let deadline = Instant::now() + BUDGET;
    let file = Folder::beside(&surroundings.executable).read_pod_file()?;
    let file = file.ok_or(SignallingError::Nothing)?;
    signal_all(&file, &surroundings.names, deadline)
}

fn signal_all(file: &PodFile, names: &Names, deadline: Instant) -> Result<(), SignallingError> {
    let marker = file.marker.as_ref().ok_or(SignallingError::Nothing)?;
    let api = Api::new(&file.endpoint()?, names)?;
    let namespace = file.namespace()?;
    for text in &marker.signals {
        let signal = text
            .parse::<Signal>()
            .map_err(|error| SignallingError::Signal {
                text: text.clone(),
                rule: error.to_string(),
            })?;
        let signal = NamedSignal::of(&signal)?;
        signal_until(deadline, (&api, &namespace), &signal, &marker.owner)?;
    }
    Ok(())
}

/// Tries again until the deadline, unless the store rejects the signal.
fn signal_until(
    deadline: Instant,
    (api, namespace): (&Api, &Namespace),
    signal: &NamedSignal,
    owner: &Owner,
) -> Result<(), SignallingError> {
    let mut random = fastrand::Rng::new();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(500));
    let assertion = AssertRequest {
        value: signal.value.clone(),
        owner: Some(owner.clone()),
        ..AssertRequest::default()
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let attempt = api.clone().with_patience(patience(left));
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

/// Returns the time of one attempt: it leaves some for another one, on another connection.
fn patience(left: Duration) -> Duration {
    let part = if left > SHORTEST { left * 2 / 3 } else { left };
    part.max(Duration::from_millis(1))
}

/// The least time for two attempts.
const SHORTEST: Duration = Duration::from_millis(600);

/// Why not every signal was asserted.
#[derive(Debug, Error)]
enum SignallingError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the namespace in pod.json is not valid: {0}")]
    Namespace(#[from] NamespaceError),
    #[error("there is nothing to signal: no `wait --mark` has left it in pod.json")]
    Nothing,
    #[error("the signal {text:?} in pod.json is wrong: {rule}")]
    Signal { text: String, rule: String },
}
