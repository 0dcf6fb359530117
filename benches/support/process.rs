//! A server in a process of its own, which is this program again.

use std::{env, ffi::OsStr, fs, process::Stdio, time::Duration};

use mimalloc::MiMalloc;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Failure, ROLE};

/// As in the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A process that serves. It ends when this is dropped.
pub(crate) struct ServerProcess(Child);

impl ServerProcess {
    /// Starts this program in a role, and returns the first line that it prints.
    pub(crate) async fn start(role: impl AsRef<OsStr>) -> Result<(Self, String), Failure> {
        let mut process = Command::new(env::current_exe()?)
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = lines.next_line().await?.ok_or("the server did not start")?;
        Ok((Self(process), line))
    }

    /// Returns the resident memory of the process.
    pub(crate) fn resident_kib(&self) -> Result<usize, Failure> {
        let status = fs::read_to_string(self.proc("status")?)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no VmRSS")?.parse()?)
    }

    /// Returns the time that all threads of the process have run.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanos = 0;
        for thread in fs::read_dir(self.proc("task")?)? {
            let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu = statistics.split_whitespace().next().ok_or("no schedstat")?;
            nanos += on_cpu.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Returns the path of a file about the process.
    fn proc(&self, file: &str) -> Result<String, Failure> {
        let id = self.0.id().ok_or("the server has ended")?;
        Ok(format!("/proc/{id}/{file}"))
    }
}

/// Returns in the server's process once its parent has ended.
pub(crate) async fn parent_is_gone() {
    let mut nothing = Vec::new();
    // An error means the same as the end.
    let _ = tokio::io::stdin().read_to_end(&mut nothing).await;
}
