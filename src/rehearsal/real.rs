//! The executor with a real store, a real webhook behind TLS, real processes and real time.

mod api_server;
mod client;
mod probes;
mod processes;
mod servers;
mod signals;

use std::{
    collections::VecDeque,
    env, fs, io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::FutureExt;
use oncue_simulation::{
    Action, Cluster, Creation, Entry, Event, Finish, Listener, Moment, Outlook, PodId, Stuck, Task,
    What, announce, command::Sandbox,
};
use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;
use tokio::{runtime, sync::mpsc, task::JoinSet, time::sleep};

pub(crate) use self::client::run as run_client;
use self::{
    client::{Part, ProbeAnswer},
    probes::Asked,
    processes::{Launch, Processes},
    servers::{Servers, ServersError},
    signals::Signals,
};
use super::{admission::AdmissionError, interrupt::Interrupt, speed::Speed};
use crate::{
    controller::assertions::{AssertionNews, Assertions},
    store::StoreError,
};

/// How long a process may take to notice that its clock has run out.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often the store is looked at while nothing else happens.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The number of messages from tasks that may be under way.
const BACKLOG: usize = 1024;

/// How a cluster with processes runs.
#[derive(Clone, Debug)]
pub(crate) struct RealTime {
    /// How fast time runs.
    pub(crate) speed: Speed,
    /// What SIGINT does while there is nothing to clean up.
    pub(crate) interrupt: Interrupt,
}

/// A cluster whose clients are processes.
struct RealRun<'a, L> {
    cluster: &'a mut Cluster,
    listener: &'a mut L,
    servers: Servers,
    processes: Processes,
    happenings: mpsc::Receiver<Happening>,
    assertions: Assertions,
    /// What has happened and is still to be passed to the cluster.
    events: VecDeque<Event>,
    folder: TempDir,
    began: Instant,
    part: Part,
    _prober: JoinSet<()>,
}

/// A message from the tasks around it.
#[derive(Debug)]
enum Happening {
    Asked(Asked),
    Event(Event),
    Printed { pod: PodId, line: String },
}

/// Runs the cluster until nothing can happen any more; returns `None` if it was interrupted.
///
/// # Errors
/// [`RealError`] if something around the cluster fails.
pub(super) fn run(
    cluster: &mut Cluster,
    RealTime { speed, interrupt }: RealTime,
    listener: &mut impl Listener,
) -> Result<Option<Finish>, RealError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(RealError::Runtime)?.block_on(async {
        let mut signals = Signals::listen().map_err(RealError::Signals)?;
        let _suspended = interrupt.suspend();
        let mut run = RealRun::start(cluster, speed, listener).await?;
        let stuck = run.until_the_end(&mut signals).await;
        let took = run.moment().now;
        run.stop().await;
        Ok(stuck?.map(|stuck| Finish { stuck, took }))
    })
}

impl<'a, L: Listener> RealRun<'a, L> {
    async fn start(
        cluster: &'a mut Cluster,
        speed: Speed,
        listener: &'a mut L,
    ) -> Result<Self, RealError> {
        let folder = tempfile::Builder::new()
            .prefix("oncue-rehearsal-")
            .tempdir()
            .map_err(RealError::Folder)?;
        announce(cluster, listener);
        let (sender, happenings) = mpsc::channel(BACKLOG);
        let socket = folder.path().join("probes");
        let questions = probes::listen(&socket).map_err(RealError::Folder)?;
        let mut prober = JoinSet::new();
        prober.spawn(probes::serve(questions, sender.clone()));
        let executable = env::current_exe().map_err(RealError::Executable)?;
        let servers = Servers::start().await?;
        Ok(Self {
            cluster,
            listener,
            assertions: Assertions::of(servers.store.clone()),
            servers,
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

    async fn stop(mut self) {
        self.processes.stop_all().await;
        self.servers.stop().await;
    }

    /// Returns the pods that are stuck in the end; `None` if a signal came first.
    async fn until_the_end(
        &mut self,
        signals: &mut Signals,
    ) -> Result<Option<Vec<Stuck>>, RealError> {
        loop {
            self.handle_events().await?;
            let outlook = self
                .cluster
                .outlook(self.moment(), &self.servers.snapshot());
            // Why a gate stays closed is said even in the end.
            self.settle().await?;
            match outlook {
                Outlook::GatesOpen(pods) => {
                    self.events.extend(pods.into_iter().map(Event::GateOpened));
                    continue;
                }
                Outlook::Going => {}
                Outlook::Over(stuck) => return Ok(Some(stuck)),
            }
            let patience = self.until_the_next_look();
            tokio::select! {
                // In this order: the timeline has a change before the pods that it releases.
                biased;
                () = signals.next() => return Ok(None),
                news = self.assertions.next() => self.take_news(news),
                Some(happening) = self.happenings.recv() => self.take_in(happening),
                () = sleep(patience) => self.events.push_back(Event::Tick),
            }
        }
    }

    /// Passes everything that has happened to the cluster, and does what it wants done.
    async fn handle_events(&mut self) -> Result<(), RealError> {
        while let Some(event) = self.events.pop_front() {
            let now = self.moment().now;
            for action in self.cluster.handle(now, event) {
                self.perform(action).await?;
            }
            // A change of the store comes before what follows from it.
            while let Some(news) = self.assertions.next().now_or_never() {
                self.take_news(news);
            }
        }
        self.settle().await
    }

    /// Lets oncue's controller see everything that has happened.
    async fn settle(&mut self) -> Result<(), RealError> {
        loop {
            let actions = self.cluster.settle(self.moment().now);
            if actions.is_empty() {
                return Ok(());
            }
            for action in actions {
                self.perform(action).await?;
            }
            while let Some(news) = self.assertions.next().now_or_never() {
                self.take_news(news);
            }
        }
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
        let due = self.cluster.next_due();
        let due = due.map(|due| due.saturating_sub(now).div_f64(self.part.speed));
        due.map_or(LOOK_EVERY, |due| due.min(LOOK_EVERY))
    }

    /// Passes on which assertions the store has.
    fn take_news(&mut self, news: AssertionNews) {
        match news {
            AssertionNews::All(variables) => self.cluster.reset_assertions(&variables),
            AssertionNews::One(update) => {
                if let Some(entry) = self.cluster.assertion_changed(&update) {
                    self.log(&entry);
                }
            }
        }
    }

    fn take_in(&mut self, happening: Happening) {
        match happening {
            Happening::Asked(asked) => self.answer(asked),
            Happening::Event(event) => self.events.push_back(event),
            Happening::Printed { pod, line } => {
                let subject = self.cluster.pod(pod).name().to_owned();
                let what = What::Output { line };
                self.log(&Entry { subject, what });
            }
        }
    }

    fn answer(&mut self, asked: Asked) {
        let Asked {
            question,
            term,
            answer,
        } = asked;
        let namespace = question.namespace.parse().ok();
        let pod = namespace.and_then(|namespace| self.cluster.find(&namespace, &question.pod));
        let failure = match (pod, term.probe()) {
            (Some(pod), Some(probe)) => self.cluster.probe(pod, probe).err(),
            _ => Some("no pod asks for this".to_owned()),
        };
        // A client that has gone away needs no answer.
        let _ = answer.send(ProbeAnswer { failure });
    }

    async fn perform(&mut self, action: Action) -> Result<(), RealError> {
        let store = self.servers.store.clone();
        match action {
            Action::Admit { pod, object } => self.admit(pod, &object).await?,
            Action::Change(mutation) => {
                store.apply(mutation).await?;
            }
            Action::Log(entry) => self.log(&entry),
            Action::Run { pod, task } => self.run_task(pod, &task)?,
            Action::SetObject { key, state } => store.set_object(&key, Some(state)),
            Action::Stop(pod) => self.processes.stop(pod),
            // Gates are looked at together with everything else.
            Action::WatchGate(_) => {}
        }
        Ok(())
    }

    async fn admit(&mut self, pod: PodId, object: &Value) -> Result<(), RealError> {
        let creation = Creation {
            namespace: self.cluster.pod(pod).namespace(),
            pod: self.cluster.pod(pod).name(),
            file: self.cluster.file(pod),
            object,
        };
        let admission = self.servers.api_server.admit(creation).await;
        let admission = admission.map_err(|source| AdmissionError {
            pod: creation.pod.to_owned(),
            file: creation.file.to_owned(),
            source: Box::new(source),
        })?;
        self.events.push_back(Event::Admitted { pod, admission });
        Ok(())
    }

    fn log(&mut self, entry: &Entry) {
        self.listener.entry(self.moment().now, entry);
    }

    /// Runs the client of a container; the pod's own containers start at once.
    fn run_task(&mut self, id: PodId, task: &Task) -> Result<(), RealError> {
        let folder = self.folder_of(id);
        let pod = self.cluster.pod(id);
        let sandbox = Sandbox {
            pod: pod.object(),
            folder: &folder,
        };
        let command = match task {
            Task::Container => {
                self.events.push_back(Event::Started(id));
                return Ok(());
            }
            Task::Marker(container) => sandbox.post_start(container),
            Task::Wait(container) => sandbox.entry_point(container),
        };
        let Some(command) = command else {
            let pod = pod.name().to_owned();
            return Err(RealError::NotTheClient { pod });
        };
        fs::create_dir_all(&folder).map_err(RealError::Folder)?;
        let part = Part {
            namespace: pod.namespace().to_string(),
            pod: pod.name().to_owned(),
            ..self.part.clone()
        };
        let launch = Launch {
            command: &command,
            folder: &folder,
            part: &part,
        };
        let run = self.processes.run(id, launch);
        run.map_err(RealError::Process)?;
        if let Task::Wait(_) = task {
            self.events.push_back(Event::Started(id));
        }
        Ok(())
    }

    /// Returns the folder that stands for the pod's shared volume.
    fn folder_of(&self, pod: PodId) -> PathBuf {
        self.folder.path().join(self.cluster.pod(pod).uid())
    }
}

/// Why a cluster with processes cannot go on.
#[derive(Debug, Error)]
pub(crate) enum RealError {
    /// A pod could not be sent for admission.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// This binary cannot be found.
    #[error("failed to find this program's own file")]
    Executable(#[source] io::Error),
    /// There is no folder for the pods.
    #[error("failed to make a folder for the pods")]
    Folder(#[source] io::Error),
    /// An injected container does not run the client.
    #[error("the injected container of {pod} does not run the client")]
    NotTheClient { pod: String },
    /// The client cannot be started.
    #[error("failed to start the client")]
    Process(#[source] io::Error),
    /// There is no runtime for tasks.
    #[error("failed to start the runtime")]
    Runtime(#[source] io::Error),
    /// There is no store or no webhook.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// Signals cannot be handled.
    #[error("failed to listen for signals")]
    Signals(#[source] io::Error),
    /// The store rejects a change.
    #[error("failed to change the store")]
    Store(#[from] StoreError),
}
