//! The processes that stand for containers.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use oncue_simulation::{
    Event, Exit, PodId,
    command::{self, Program},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    Happening,
    client::{Part, VARIABLE},
};

/// The name by which this binary is the client.
const CLIENT: &str = "oncue-client";

/// What is started, and what it has to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch<'a> {
    pub(super) command: &'a command::Command,
    /// The folder that stands for the pod's shared volume.
    pub(super) folder: &'a Path,
    pub(super) part: &'a Part,
}

/// Runs processes, one a pod at a time; they end with it.
#[derive(Debug)]
pub(super) struct Processes {
    /// This binary.
    executable: PathBuf,
    happenings: mpsc::Sender<Happening>,
    running: HashMap<PodId, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Processes {
    pub(super) fn new(executable: PathBuf, happenings: mpsc::Sender<Happening>) -> Self {
        Self {
            executable,
            happenings,
            running: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Starts a process for a pod; how it ends is told as an event.
    pub(super) fn run(&mut self, pod: PodId, launch: Launch<'_>) -> io::Result<()> {
        while self.tasks.try_join_next().is_some() {}
        let log = launch.folder.join("termination-log");
        // What an earlier process left is not what this one says.
        let _ = fs::remove_file(&log);
        let child = self.spawn(&launch, &log)?;
        let happenings = self.happenings.clone();
        let task = self.tasks.spawn(attend(pod, child, log, happenings));
        self.running.insert(pod, task);
        Ok(())
    }

    /// Ends the process that a pod runs, if any.
    pub(super) fn stop(&mut self, pod: PodId) {
        if let Some(task) = self.running.remove(&pod) {
            task.abort();
        }
    }

    /// Ends all processes and waits until they have ended.
    pub(super) async fn stop_all(&mut self) {
        self.tasks.shutdown().await;
    }

    fn spawn(&self, launch: &Launch<'_>, log: &Path) -> io::Result<Child> {
        let command::Command { program, args, env } = launch.command;
        let (program, name) = match program {
            Program::Client => (&*self.executable, Path::new(CLIENT)),
            Program::Shared(path) => (&**path, &**path),
        };
        Command::new(program)
            .arg0(name)
            .args(args)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .env(VARIABLE, serde_json::to_string(launch.part)?)
            .env("ONCUE_TERMINATION_LOG", log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Passes on what a process prints and how it ends.
async fn attend(pod: PodId, mut child: Child, log: PathBuf, happenings: mpsc::Sender<Happening>) {
    // Kept open: a client ends when it is closed.
    let stdin = child.stdin.take();
    let out = child
        .stdout
        .take()
        .map(|stream| lines(pod, stream, &happenings));
    let err = child
        .stderr
        .take()
        .map(|stream| lines(pod, stream, &happenings));
    let read = async { tokio::join!(maybe(out), maybe(err)) };
    let (status, _) = tokio::join!(child.wait(), read);
    drop(stdin);
    let exit = Exit(status.ok().and_then(|status| status.code()));
    let message = fs::read_to_string(log).ok();
    let message = message
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    let event = Event::Exited { pod, exit, message };
    // Nobody listens any more once the rehearsal is over.
    let _ = happenings.send(Happening::Event(event)).await;
}

async fn maybe(future: Option<impl Future<Output = ()>>) {
    if let Some(future) = future {
        future.await;
    }
}

async fn lines(pod: PodId, stream: impl AsyncRead + Unpin, happenings: &mpsc::Sender<Happening>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = happenings.send(Happening::Printed { pod, line }).await;
    }
}
