//! The preparation of a wait: the store's address, the pod and the shared folder.

use std::{io, time::Duration};

use oncue_language::{Namespace, Owner, Signal, Timestamp};
use oncue_wire::WaitRequest;
use thiserror::Error;

use crate::{
    Surroundings,
    api::{Api, EndpointError},
    args::{self, Install},
    commands::{CommandError, NamedSignal},
    exit::Exit,
    folder::{Failed, Folder, FolderError, Started},
    place::{Place, PlaceError},
    pod::{Pod, PodError},
    pod_file::{Marker, PodFile},
    wait::{
        Overdue, Plan, Question,
        terms::{self, TermError},
    },
};

/// Everything a wait needs.
pub(super) struct Preparation {
    pub(super) api: Api,
    pub(super) namespace: Namespace,
    pub(super) plan: Plan,
    /// The signals to create after the wait.
    pub(super) signals: Vec<NamedSignal>,
    /// The signals to create beside the wait.
    pub(super) early_signals: Vec<NamedSignal>,
    pub(super) owner: Option<Owner>,
    /// How long the pod had waited when this process began.
    pub(super) waited_before: Duration,
    /// When this process began, by its clock.
    pub(super) begun: Duration,
    folder: Option<Folder>,
    started: Started,
}

impl Preparation {
    /// Checks everything, then writes the files in the folder.
    pub(super) fn of(
        mut arguments: args::Wait,
        surroundings: &Surroundings,
    ) -> Result<Self, PreparationError> {
        let environment = &surroundings.environment;
        let pod = Pod::of(environment)?;
        let place = Place::of(&arguments.store, &pod, surroundings)?;
        let Place {
            endpoint,
            namespace,
        } = place;
        let api = Api::new(&endpoint, &surroundings.names)?;
        let owner = pod.owner(&namespace);
        arguments.terms = terms::filled_in(&arguments.terms, pod.node(), &namespace)?;
        let signals = named(&arguments.signals)?;
        let early_signals = named(&arguments.early_signals)?;
        let marker = marker(&arguments.marks, owner.as_ref())?;
        let signals_anything = !signals.is_empty() || !early_signals.is_empty();
        if signals_anything && owner.is_none() {
            return Err(PreparationError::NoOwner);
        }
        let folder = arguments.directory.as_ref().map(Folder::new);
        let now = surroundings.clock.since_epoch();
        let mut started = Started::at(now);
        if let Some(folder) = &folder {
            if arguments.install == Install::Yes {
                folder.install(&surroundings.executable)?;
            }
            if arguments.install == Install::Yes || marker.is_some() {
                folder.write_pod_file(&PodFile::new(&endpoint, &namespace, marker))?;
            }
            started = folder.begin(started)?;
        }
        let failed = folder.as_ref().and_then(Folder::failed);
        let overdue = failed.map(|failed| overdue(failed, started));
        let plan = Plan::new(arguments, namespace.clone(), fastrand::Rng::new());
        Ok(Self {
            api,
            plan: Plan {
                without_store: started.without_store,
                overdue,
                ..plan
            },
            namespace,
            signals,
            early_signals,
            owner,
            waited_before: now.saturating_sub(started.at),
            begun: surroundings.clock.now(),
            folder,
            started,
        })
    }

    /// Presents the pod's token once, so that a marker finds it reviewed. If that fails and nothing
    /// else is asked of the store, says why.
    pub(super) fn present_token(&self, surroundings: &Surroundings) {
        if !self.api.has_token() {
            return;
        }
        let api = self.api.clone().with_patience(PRESENTING);
        let asks_more = !self.signals.is_empty()
            || !self.early_signals.is_empty()
            || self.plan.terms.iter().any(|term| term.probe().is_none());
        match api.present_token() {
            // Older stores do not have the resource.
            Err(error) if !asks_more && !error.is_not_found() => {
                let line = format!("Warning: failed to present the token of this pod: {error}");
                surroundings.console.say(line);
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Returns the store's request for a question.
    pub(super) fn request(&self, question: &Question) -> WaitRequest {
        let terms = question.terms.iter();
        WaitRequest {
            terms: terms
                .map(|term| self.plan.terms[*term].to_string())
                .collect(),
            nudges: question.nudges.clone(),
            revision: question.revision.clone(),
            waiter: self.owner.clone(),
            since: Some(moment(self.started.at)),
        }
    }

    /// Writes a stamp that the wait failed, for the next process.
    pub(super) fn stamp_failure(&self, cause: &str, surroundings: &Surroundings) {
        let Some(folder) = &self.folder else {
            return;
        };
        let failed = Failed {
            at: surroundings.clock.since_epoch(),
            cause: cause.to_owned(),
        };
        if let Err(error) = folder.write_failed(&failed) {
            surroundings.console.complain(error);
        }
    }

    /// Writes the time without the store to the stamp, for the next process.
    pub(super) fn stamp_outages(&self, without_store: Duration) {
        if let (Some(folder), false) = (&self.folder, without_store.is_zero()) {
            let _ = folder.write_started(Started {
                without_store,
                ..self.started
            });
        }
    }

    /// Removes the stamps after a successful wait.
    pub(super) fn forget_the_wait(&self) {
        if let Some(folder) = &self.folder {
            folder.forget_the_wait();
        }
    }
}

/// How long the store may take for the token.
const PRESENTING: Duration = Duration::from_secs(2);

fn named(signals: &[Signal]) -> Result<Vec<NamedSignal>, CommandError> {
    signals.iter().map(NamedSignal::of).collect()
}

/// Returns the signals of the marker, or `None` without `--mark`.
fn marker(marks: &[Signal], owner: Option<&Owner>) -> Result<Option<Marker>, PreparationError> {
    if named(marks)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(Marker {
        owner: owner.ok_or(PreparationError::NoOwner)?.clone(),
        signals: marks.iter().map(ToString::to_string).collect(),
    }))
}

fn overdue(failed: Failed, started: Started) -> Overdue {
    Overdue {
        at: failed.at.saturating_sub(started.at),
        moment: moment(failed.at).to_string(),
        cause: failed.cause,
    }
}

/// Returns the moment in whole seconds.
fn moment(since_epoch: Duration) -> Timestamp {
    Timestamp::default() + Duration::from_secs(since_epoch.as_secs())
}

/// Why a wait cannot begin.
#[derive(Debug, Error)]
pub(super) enum PreparationError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("failed to watch for signals: {0}")]
    Interrupts(#[source] io::Error),
    #[error(
        "--signal, --signal-on-wait and --mark assert for a pod: set POD_NAME and POD_UID to say \
         which"
    )]
    NoOwner,
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Pod(#[from] PodError),
    #[error(transparent)]
    Signal(#[from] CommandError),
    #[error(transparent)]
    Term(#[from] TermError),
}

impl PreparationError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Folder(_) | Self::Interrupts(_) => Exit::Error,
            Self::Place(error) => error.exit(),
            Self::Signal(error) => error.exit(),
            Self::Endpoint(_) | Self::NoOwner | Self::Pod(_) | Self::Term(_) => Exit::Usage,
        }
    }
}
