//! What a rehearsal tells people, one line each.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

/// Something that happened, told as it happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cue {
    /// The pod or workload it is about.
    pub(crate) subject: String,
    /// What happened.
    pub(crate) what: What,
}

/// The things that can happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum What {
    /// Admission let it in, with these warnings.
    Admitted { warnings: Vec<String> },
    /// Admission refused it.
    Denied { message: String },
    /// A container ended and the kubelet starts it again.
    ContainerRestarted { container: String },
    /// Its containers fail again and again.
    CrashLooping,
    /// It was ended because its Job failed.
    Deleted,
    /// It failed.
    Failed { why: String },
    /// A scheduling gate holds it until these hold.
    Gated { terms: Vec<String> },
    /// `--hold`: its own containers never start.
    Held,
    /// An init container of its own counts as done.
    InitContainerPassed { container: String },
    /// The Job is complete.
    JobComplete,
    /// The Job has failed.
    JobFailed,
    /// The marker of its container failed.
    MarkerFailed { why: String },
    /// It is no longer ready.
    NotReady,
    /// A hook of the user's that is printed, not run.
    NotRun { hook: String },
    /// A line that a process of it printed.
    Output { line: String },
    /// It is ready.
    Ready,
    /// A node was found for it.
    Scheduled { node: String },
    /// The played controller created a variable.
    Signaled { variable: String },
    /// A container started.
    Started { container: String },
    /// It succeeded.
    Succeeded,
    /// What it waited for holds.
    WaitOver {
        waited: Seconds,
        for_what: Vec<String>,
    },
    /// Its wait failed, and the kubelet starts the container again.
    WaitRestarted { why: String },
    /// It waits for these.
    Waiting { terms: Vec<String> },
    /// The played controller withdrew a variable.
    Withdrawn { variable: String },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted { warnings } => {
                f.write_str("admitted")?;
                warnings
                    .iter()
                    .try_for_each(|warning| write!(f, "; warning: {warning}"))
            }
            Self::Denied { message } => write!(f, "denied: {message}"),
            Self::ContainerRestarted { container } => {
                write!(f, "container {container} has ended and is started again")
            }
            Self::CrashLooping => f.write_str("fails again and again"),
            Self::Deleted => f.write_str("deleted with its Job"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::Gated { terms } => write!(f, "not scheduled before {}", terms.join(", ")),
            Self::Held => f.write_str("held: its own containers never start"),
            Self::InitContainerPassed { container } => {
                write!(f, "init container {container} counts as done")
            }
            Self::JobComplete => f.write_str("complete"),
            Self::JobFailed => f.write_str("has failed"),
            Self::MarkerFailed { why } => write!(f, "its marker failed: {why}"),
            Self::NotReady => f.write_str("not ready any more"),
            Self::NotRun { hook } => write!(f, "its own postStart hook is not run: {hook}"),
            Self::Output { line } => write!(f, "| {line}"),
            Self::Ready => f.write_str("ready"),
            Self::Scheduled { node } => write!(f, "scheduled to {node}"),
            Self::Signaled { variable } => write!(f, "signals {variable}"),
            Self::Started { container } => write!(f, "container {container} started"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::WaitOver { waited, for_what } => {
                write!(f, "has waited {} for {}", waited, for_what.join(", "))
            }
            Self::WaitRestarted { why } => write!(
                f,
                "failed to wait: {why}; its container is started again and stays inside"
            ),
            Self::Waiting { terms } => write!(f, "waits for {}", terms.join(", ")),
            Self::Withdrawn { variable } => write!(f, "withdraws {variable}"),
        }
    }
}

/// A host or object that is neither in the files nor assumed, as a rehearsal says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown<'a>(pub(crate) &'a str);

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not in these files, and not assumed: {}", self.0)
    }
}

/// A time as a rehearsal prints it everywhere, such as `0.12s`; in JSON, a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2}s", self.0.as_secs_f64()))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}
