//! The shell around the stage: a real store, a real webhook, real processes, real time.

mod admission;
mod house;
mod probes;
mod processes;

use std::{
    collections::VecDeque,
    env, fs, io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinSet,
    time::sleep,
};

use self::{
    admission::{AdmissionError, Creation},
    house::{House, HouseError},
    probes::Asked,
    processes::{Launch, Processes},
};
use super::{
    client::{Part, ProbeAnswer},
    cue::{Cue, Unknown, What},
    kubelet::Sandbox,
    quiescence::Moment,
    speed::Speed,
    stage::{Action, Event, Outlook, PodId, Stage, Stuck, Task},
};
use crate::{
    life::{AssertionId, Kind, Owner},
    store::{
        Change, ChangeKind, Existing, NewAssertion, Scope, StoreError, Watch, WatchError,
        Withdrawal,
    },
};

/// How long a process may take to notice that its clock has run out.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the store is looked at while nothing else happens.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many happenings may be under way.
const BACKLOG: usize = 1024;

/// Hears what happens, as it happens.
pub(crate) trait Audience {
    /// Takes in the names that will be heard of most.
    fn meet(&mut self, names: &mut dyn Iterator<Item = String>);

    /// Takes in, before anything happens, a host or object that will be missed.
    fn miss(&mut self, unknown: Unknown<'_>);

    /// Takes in what happened at `time`, counted from the beginning.
    fn hear(&mut self, time: Duration, cue: &Cue);
}

/// How a rehearsal came to its end.
#[derive(Debug)]
pub(crate) enum Curtain {
    /// Nothing can happen any more.
    Quiescence(Vec<Stuck>),
    /// Somebody interrupted it.
    Interrupted,
}

/// A rehearsal in progress.
pub(crate) struct Play<'a, A> {
    stage: &'a mut Stage,
    audience: &'a mut A,
    house: House,
    processes: Processes,
    happenings: mpsc::Receiver<Happening>,
    changes: Watch,
    /// What has happened and is still to be told to the stage.
    events: VecDeque<Event>,
    folder: TempDir,
    began: Instant,
    part: Part,
    _prober: JoinSet<()>,
}

/// What comes from the tasks around the play.
#[derive(Debug)]
enum Happening {
    Asked(Asked),
    Event(Event),
    Printed { pod: PodId, line: String },
}

/// Plays until nothing can happen any more, and returns how long that took.
///
/// # Errors
/// [`PlayError`] where something of the rehearsal's own fails, not of what is rehearsed.
pub(crate) async fn play(
    stage: &mut Stage,
    speed: Speed,
    audience: &mut impl Audience,
) -> Result<(Curtain, Duration), PlayError> {
    let mut play = Play::open(stage, speed, audience).await?;
    let curtain = play.run().await;
    let took = play.moment().now;
    play.close().await;
    Ok((curtain?, took))
}

impl<'a, A: Audience> Play<'a, A> {
    async fn open(
        stage: &'a mut Stage,
        speed: Speed,
        audience: &'a mut A,
    ) -> Result<Self, PlayError> {
        let folder = tempfile::Builder::new()
            .prefix("oncue-rehearsal-")
            .tempdir()
            .map_err(PlayError::Folder)?;
        audience.meet(&mut stage.names());
        for unknown in stage.unknown() {
            audience.miss(Unknown(&unknown));
        }
        let (sender, happenings) = mpsc::channel(BACKLOG);
        let socket = folder.path().join("probes");
        let listener = probes::listen(&socket).map_err(PlayError::Folder)?;
        let mut prober = JoinSet::new();
        prober.spawn(probes::serve(listener, sender.clone()));
        let executable = env::current_exe().map_err(PlayError::Executable)?;
        let house = House::open().await?;
        Ok(Self {
            stage,
            audience,
            changes: house.store.watch(Scope::default())?,
            house,
            processes: Processes::new(executable, sender),
            happenings,
            events: VecDeque::from([Event::Tick]),
            folder,
            began: Instant::now(),
            part: Part {
                socket,
                began: SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
                speed: speed.factor(),
                namespace: String::new(),
                pod: String::new(),
            },
            _prober: prober,
        })
    }

    async fn close(mut self) {
        self.processes.stop_all().await;
        self.house.close().await;
    }

    async fn run(&mut self) -> Result<Curtain, PlayError> {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(PlayError::Signals)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(PlayError::Signals)?;
        loop {
            self.play_events().await?;
            match self.stage.outlook(self.moment(), &self.house.snapshot()) {
                Outlook::GatesOpen(pods) => {
                    self.events.extend(pods.into_iter().map(Event::GateOpened));
                    continue;
                }
                Outlook::Going => {}
                Outlook::Over(stuck) => return Ok(Curtain::Quiescence(stuck)),
            }
            let patience = self.until_the_next_look();
            tokio::select! {
                // In this order: whoever is released by a change is heard of after the change.
                biased;
                _ = interrupt.recv() => return Ok(Curtain::Interrupted),
                _ = terminate.recv() => return Ok(Curtain::Interrupted),
                change = self.changes.next() => self.take_change(change)?,
                Some(happening) = self.happenings.recv() => self.take_in(happening),
                () = sleep(patience) => self.events.push_back(Event::Tick),
            }
        }
    }

    /// Tells the stage everything that has happened, and what follows from it.
    async fn play_events(&mut self) -> Result<(), PlayError> {
        while let Some(event) = self.events.pop_front() {
            let now = self.moment().now;
            for action in self.stage.handle(now, event) {
                self.perform(action).await?;
            }
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        let speed = self.part.speed;
        Moment {
            now: self.began.elapsed().mul_f64(speed),
            patience: PATIENCE.mul_f64(speed.max(1.0)),
        }
    }

    fn until_the_next_look(&self) -> Duration {
        let now = self.moment().now;
        let due = self.stage.next_due();
        let due = due.map(|due| due.saturating_sub(now).div_f64(self.part.speed));
        due.map_or(LOOK_EVERY, |due| due.min(LOOK_EVERY))
    }

    /// Tells the stage what live pods have signaled; what is missed, their markers' ends will tell.
    fn take_change(&mut self, change: Result<Change, WatchError>) -> Result<(), PlayError> {
        let Ok(change) = change else {
            self.changes = self.house.store.watch(Scope::default())?;
            return Ok(());
        };
        if change.kind == ChangeKind::Deleted {
            return Ok(());
        }
        let key = change.variable.key();
        for assertion in change.variable.assertions() {
            let AssertionId { asserter, kind } = &assertion.id;
            let owner = asserter.owner().filter(|_| *kind == Kind::Live);
            let find = |owner: &Owner| self.stage.find(key.namespace.as_str(), &owner.name);
            if let Some(pod) = owner.and_then(find) {
                self.events.push_back(Event::Asserted {
                    pod,
                    name: key.name.clone(),
                    value: assertion.value.clone(),
                });
            }
        }
        Ok(())
    }

    fn take_in(&mut self, happening: Happening) {
        match happening {
            Happening::Asked(asked) => self.answer(asked),
            Happening::Event(event) => self.events.push_back(event),
            Happening::Printed { pod, line } => {
                let subject = self.stage.pod(pod).name.clone();
                let what = What::Output { line };
                self.tell(&Cue { subject, what });
            }
        }
    }

    fn answer(&mut self, asked: Asked) {
        let Asked {
            question,
            term,
            answer,
        } = asked;
        let pod = self.stage.find(&question.namespace, &question.pod);
        let failure = match (pod, term.probe()) {
            (Some(pod), Some(probe)) => self.stage.probe(pod, probe).err(),
            _ => Some("nobody on the stage asks for this".to_owned()),
        };
        // A client that has gone away needs no answer.
        let _ = answer.send(ProbeAnswer { failure });
    }

    async fn perform(&mut self, action: Action) -> Result<(), PlayError> {
        let store = self.house.store.clone();
        match action {
            Action::Admit { pod, object } => self.admit(pod, &object).await?,
            Action::Assert { key, id, value } => {
                let assertion = NewAssertion {
                    id,
                    value,
                    ttl: None,
                    existing: Existing::Replace,
                };
                store.assert(key, assertion).await?;
            }
            Action::Clear { key, producer } => {
                store.withdraw(key, Withdrawal::Producer(producer)).await?;
            }
            Action::Run { pod, task } => self.run_task(pod, &task)?,
            Action::SetObject { key, state } => store.set_object(&key, state),
            Action::Stop(pod) => self.processes.stop(pod),
            Action::Tell(cue) => self.tell(&cue),
            Action::Withdraw { key, id } => {
                store.withdraw(key, Withdrawal::Assertion(id)).await?;
            }
        }
        Ok(())
    }

    async fn admit(&mut self, pod: PodId, object: &Value) -> Result<(), PlayError> {
        let actor = self.stage.pod(pod);
        let creation = Creation {
            namespace: actor.namespace.as_str(),
            object,
        };
        let admission = self.house.api_server.admit(creation).await;
        let admission = admission.map_err(|source| PlayError::Admission {
            pod: actor.name.clone(),
            file: self.stage.controller(pod).file.clone(),
            source,
        })?;
        self.events.push_back(Event::Admitted { pod, admission });
        Ok(())
    }

    fn tell(&mut self, cue: &Cue) {
        self.audience.hear(self.moment().now, cue);
    }

    fn run_task(&mut self, pod: PodId, task: &Task) -> Result<(), PlayError> {
        let actor = self.stage.pod(pod);
        let folder = self.folder_of(pod);
        fs::create_dir_all(&folder).map_err(PlayError::Folder)?;
        let sandbox = Sandbox {
            pod: &actor.object,
            folder: &folder,
        };
        let command = match task {
            Task::Marker(container) => sandbox.post_start(container),
            Task::Wait(container) => sandbox.entry_point(container),
        };
        let Some(command) = command else {
            return Err(PlayError::Foreign {
                pod: actor.name.clone(),
            });
        };
        let part = Part {
            namespace: actor.namespace.to_string(),
            pod: actor.name.clone(),
            ..self.part.clone()
        };
        let launch = Launch {
            command: &command,
            folder: &folder,
            part: &part,
        };
        let run = self.processes.run(pod, launch);
        run.map_err(PlayError::Process)
    }

    /// Returns the folder that stands for the pod's shared volume.
    fn folder_of(&self, pod: PodId) -> PathBuf {
        self.folder.path().join(&self.stage.pod(pod).uid)
    }
}

/// What fails of a rehearsal's own.
#[derive(Debug, Error)]
pub(crate) enum PlayError {
    /// The webhook is of no use for a pod.
    #[error("failed to have pod {pod} of {file} admitted")]
    Admission {
        /// The pod.
        pod: String,
        /// The file that the pod, or what created it, is in.
        file: String,
        /// Why.
        source: AdmissionError,
    },
    /// This binary cannot be found.
    #[error("failed to find this program's own file")]
    Executable(#[source] io::Error),
    /// There is no folder for the pods.
    #[error("failed to make a folder for the pods")]
    Folder(#[source] io::Error),
    /// What is injected is not the client.
    #[error("the injected container of {pod} does not run the client")]
    Foreign {
        /// The pod.
        pod: String,
    },
    /// There is no store or no webhook.
    #[error(transparent)]
    House(#[from] HouseError),
    /// The client cannot be started.
    #[error("failed to start the client")]
    Process(#[source] io::Error),
    /// Signals cannot be handled.
    #[error("failed to listen for signals")]
    Signals(#[source] io::Error),
    /// The store refuses.
    #[error("failed to change the store")]
    Store(#[from] StoreError),
    /// The store cannot be watched.
    #[error("failed to watch the store")]
    Watch(#[from] WatchError),
}
