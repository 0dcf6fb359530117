//! The commands that ask the store once.

use std::{io, path::Path};

use oncue_language::{Namespace, Signal, Value, VariableName};
use oncue_wire::AssertRequest;
use thiserror::Error;

use crate::{
    Surroundings,
    api::{Api, ApiError, EndpointError},
    args::{Create, Exists, StoreChoice},
    exit::Exit,
    folder::Folder,
    place::{Place, PlaceError},
    pod::{Pod, PodError},
};

/// `create SIGNAL...`: asserts by hand.
pub(crate) fn create(create: &Create, surroundings: &Surroundings) -> Exit {
    let Create { store, signals } = create;
    conclude(surroundings, |surroundings| {
        let store = Store::open(store, surroundings)?;
        for signal in signals {
            let created = store.create(&NamedSignal::of(signal)?)?;
            let verb = if created { "Created" } else { "Already there" };
            surroundings.console.say(format_args!("{verb}: {signal}"));
        }
        Ok(Exit::Held)
    })
}

/// `exists NAME...`
pub(crate) fn exists(exists: &Exists, surroundings: &Surroundings) -> Exit {
    let Exists { store, names } = exists;
    conclude(surroundings, |surroundings| {
        let store = Store::open(store, surroundings)?;
        let mut exit = Exit::Held;
        for name in names {
            if !store.api.exists(&store.namespace, name)? {
                surroundings.console.say(format_args!("Missing: {name}"));
                exit = Exit::Error;
            }
        }
        Ok(exit)
    })
}

/// `install DIR`
pub(crate) fn install(directory: &Path, surroundings: &Surroundings) -> Exit {
    match Folder::new(directory).install(&surroundings.executable) {
        Ok(target) => {
            surroundings
                .console
                .say(format_args!("Installed: {}", target.display()));
            Exit::Held
        }
        Err(error) => {
            surroundings.console.complain(error);
            Exit::Error
        }
    }
}

/// Runs a command, which a signal ends at once, and prints its error.
fn conclude(
    surroundings: &Surroundings,
    command: impl FnOnce(&Surroundings) -> Result<Exit, CommandError>,
) -> Exit {
    let watched = surroundings.interrupts.end_the_process();
    let ended = watched
        .map_err(CommandError::Interrupts)
        .and_then(|()| command(surroundings));
    ended.unwrap_or_else(|error| {
        surroundings.console.complain(&error);
        error.exit()
    })
}

/// A store and the namespace that is meant.
struct Store {
    api: Api,
    namespace: Namespace,
}

impl Store {
    fn open(choice: &StoreChoice, surroundings: &Surroundings) -> Result<Self, CommandError> {
        let pod = Pod::of(&surroundings.environment)?;
        let place = Place::of(choice, &pod, surroundings)?;
        Ok(Self {
            api: Api::new(&place.endpoint, &surroundings.names)?,
            namespace: place.namespace,
        })
    }

    fn create(&self, signal: &NamedSignal) -> Result<bool, ApiError> {
        let assertion = AssertRequest {
            value: signal.value.clone(),
            ..AssertRequest::default()
        };
        self.api.create(&self.namespace, &signal.name, &assertion)
    }
}

/// A signal whose name has no substitutions left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NamedSignal {
    pub(crate) name: VariableName,
    pub(crate) value: Option<Value>,
}

impl NamedSignal {
    pub(crate) fn of(signal: &Signal) -> Result<Self, CommandError> {
        let (name, value) = signal.literal().ok_or_else(|| CommandError::Placeholder {
            text: signal.to_string(),
        })?;
        Ok(Self { name, value })
    }
}

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("failed to watch for signals: {0}")]
    Interrupts(#[source] io::Error),
    #[error("in {text}: a placeholder is not filled in: its variable is not in the environment")]
    Placeholder { text: String },
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Pod(#[from] PodError),
}

impl CommandError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Api(_) | Self::Interrupts(_) => Exit::Error,
            Self::Place(error) => error.exit(),
            Self::Endpoint(_) | Self::Placeholder { .. } | Self::Pod(_) => Exit::Usage,
        }
    }
}
