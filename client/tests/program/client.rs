//! The client's binary as a process of a pod.

use std::{
    fs,
    io::{BufRead, BufReader},
    mem,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use oncue_client::environment::Environment;

/// A pod's folder, and what its client leaves outside of it.
pub(crate) struct Pod {
    pub(crate) directory: tempfile::TempDir,
    server: String,
}

/// Returns the environment of a client in this process, with this store.
pub(crate) fn mk_environment(server: &str) -> Environment {
    let variables = [
        ("ONCUE_SERVER", server),
        ("POD_NAME", "web-0"),
        ("POD_NAMESPACE", "shop"),
        ("POD_UID", "u-1"),
    ];
    variables.into_iter().collect()
}

/// A client that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The lines of both streams.
    pub(crate) log: Vec<String>,
}

/// A client that runs.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Pod {
    pub(crate) fn new(server: impl Into<String>) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            server: server.into(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the client with the environment that injection gives it, and no other.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oncue-client"));
        self.furnish(command.args(args));
        command
    }

    /// Returns the client that was left in the folder, as a container of the pod runs it.
    pub(crate) fn installed(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.file("oncue-client"));
        command.args(args).env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    fn furnish(&self, command: &mut Command) {
        command
            .env_clear()
            .env("ONCUE_SERVER", &self.server)
            .env("ONCUE_TERMINATION_LOG", self.file("termination-log"))
            .env("POD_NAME", "web-0")
            .env("POD_NAMESPACE", "shop")
            .env("POD_UID", "u-1");
    }

    /// Returns `--dir` for this pod.
    pub(crate) fn dir(&self) -> String {
        format!("--dir={}", self.directory.path().display())
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        start(self.client(args)).end()
    }

    pub(crate) fn termination_message(&self) -> String {
        fs::read_to_string(self.file("termination-log")).unwrap()
    }
}

pub(crate) fn start(mut command: Command) -> Running {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let err = sender.clone();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let stderr = BufReader::new(child.stderr.take().unwrap());
    thread::spawn(move || {
        stdout
            .lines()
            .try_for_each(|line| sender.send(line.unwrap()))
    });
    thread::spawn(move || stderr.lines().try_for_each(|line| err.send(line.unwrap())));
    Running {
        child,
        lines,
        log: Vec::new(),
    }
}

impl Running {
    /// Returns once a line with this text has been printed.
    pub(crate) fn says(&mut self, text: &str) {
        loop {
            let line = self
                .lines
                .recv_timeout(Duration::from_secs(30))
                .unwrap_or_else(|_| panic!("{text:?} is not among {:#?}", self.log));
            self.log.push(line);
            if self.log.last().unwrap().contains(text) {
                return;
            }
        }
    }

    pub(crate) fn kill(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// Signals the child of the process instead.
    pub(crate) fn kill_child(&self, signal: &str) {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        kill(signal, children.trim());
    }

    pub(crate) fn end(mut self) -> Ended {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(30)) {
            self.log.push(line);
        }
        Ended {
            code: self.child.wait().unwrap().code(),
            log: mem::take(&mut self.log),
        }
    }
}

/// A test that fails leaves no client behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([signal, process]).status();
    assert!(status.unwrap().success());
}

impl Ended {
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{:#?}", self.log);
    }

    pub(crate) fn assert_says(&self, text: &str) {
        let is_said = self.log.iter().any(|line| line.contains(text));
        assert!(is_said, "{text:?} is not among {:#?}", self.log);
    }
}
