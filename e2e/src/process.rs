//! Runs programs to their end: tools, builds, and scripts of this repository.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use tokio::{io::AsyncWriteExt, process::Command, time};

use crate::{folders::search_path, patience::PATIENCE};

/// A program to run, with a time limit. It is killed if the waiting future is dropped.
#[derive(Debug)]
pub struct Program {
    command: Command,
    shown: String,
    stdin: Option<String>,
    limit: Duration,
}

/// The result of a program.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether the exit status was 0.
    pub success: bool,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

impl Program {
    /// Returns a program from the search path of the tools.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&name);
        command.env("PATH", search_path()).kill_on_drop(true);
        Self {
            command,
            shown: name.as_ref().to_string_lossy().into_owned(),
            stdin: None,
            limit: PATIENCE,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.command.env(key, value.into());
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Sets the time limit, if the default does not fit.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the command line as a user would type it.
    pub fn as_typed(&self) -> &str {
        &self.shown
    }

    /// Runs the program and returns its result, with any exit status.
    pub async fn outcome(mut self) -> Result<Outcome> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(match self.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        });
        let mut child = self.command.spawn().with_context(|| self.not_started())?;
        let input = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(text)) = (input, &self.stdin) {
                // If the program ends before it has read everything, its exit status says why.
                let _ = pipe.write_all(text.as_bytes()).await;
            }
        };
        let ended = time::timeout(self.limit, async {
            tokio::join!(feed, child.wait_with_output()).1
        });
        let output = ended.await.map_err(|_| self.over_time())??;
        Ok(Outcome {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs the program and returns its standard output. A failure is an error with its last line.
    pub async fn text(self) -> Result<String> {
        let shown = self.shown.clone();
        let outcome = self.outcome().await?;
        if !outcome.success {
            bail!("`{shown}` failed: {}", outcome.last_words());
        }
        Ok(outcome.stdout)
    }

    /// Runs the program with this process's standard output. A failure is an error.
    pub async fn shown(mut self) -> Result<()> {
        self.command.stdin(Stdio::null());
        let mut child = self.command.spawn().with_context(|| self.not_started())?;
        let ended = time::timeout(self.limit, child.wait());
        let status = ended.await.map_err(|_| self.over_time())??;
        if !status.success() {
            bail!("`{}` failed with {status}", self.shown);
        }
        Ok(())
    }

    fn not_started(&self) -> String {
        format!("failed to start `{}`", self.shown)
    }

    fn over_time(&self) -> anyhow::Error {
        let seconds = self.limit.as_secs();
        anyhow!("`{}` did not end within {seconds} s", self.shown)
    }
}

impl Outcome {
    /// Returns the standard output followed by the standard error.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Returns the last non-empty line, from the standard error if it has one.
    pub fn last_words(&self) -> &str {
        let mut lines = self.stdout.lines().chain(self.stderr.lines()).rev();
        let said = |line: &&str| !line.trim().is_empty();
        lines.find(said).unwrap_or("it said nothing").trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_its_input_and_returns_its_output() {
        let text = Program::new("cat").stdin("abc").text().await;
        assert_eq!(text.unwrap(), "abc");
    }

    #[tokio::test]
    async fn says_how_it_failed_in_its_own_last_words() {
        let program = Program::new("sh").args(["-c", "echo first; echo last >&2; exit 3"]);
        let error = program.text().await.unwrap_err().to_string();
        assert!(error.ends_with("failed: last"), "{error}");
    }

    #[tokio::test]
    async fn is_ended_at_its_limit() {
        let program = Program::new("sleep").arg("1000").limit(Duration::ZERO);
        let error = program.outcome().await.unwrap_err().to_string();
        assert_eq!(error, "`sleep 1000` did not end within 0 s");
    }
}
