//! The lines of the timeline.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

/// One line of the timeline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The pod or workload it is about.
    pub subject: String,
    /// What happened to it.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum What {
    /// Admission let it in, with these warnings.
    Admitted {
        /// The texts of the warnings.
        warnings: Vec<String>,
    },
    /// The installer applies this.
    Applies {
        /// The stage.
        what: String,
    },
    /// Admission rejected it.
    Denied {
        /// The webhook's reason.
        message: String,
    },
    /// A container ended and the kubelet starts it again.
    ContainerRestarted {
        /// The container's name.
        container: String,
    },
    /// Its containers fail again and again.
    CrashLooping,
    /// It was deleted because its Job has ended.
    Deleted,
    /// It failed.
    Failed {
        /// The reason.
        why: String,
    },
    /// The wait of its scheduling gate has failed: the gate stays until everything holds.
    GateOverdue {
        /// The reason.
        why: String,
    },
    /// A scheduling gate holds it until these hold.
    Gated {
        /// The terms.
        terms: Vec<String>,
    },
    /// Scheduling gates of others hold it, which nobody removes here.
    GatedByOthers {
        /// The names of the gates.
        gates: Vec<String>,
    },
    /// `--hold`: its own containers never start.
    Held,
    /// An init container of its own counts as done.
    InitContainerPassed {
        /// The container's name.
        container: String,
    },
    /// The Job is complete.
    JobComplete,
    /// The Job has failed.
    JobFailed,
    /// The Job has failed because its `podFailurePolicy` says so.
    JobFailedByPolicy,
    /// The Job has failed because it had not ended by its deadline.
    JobOverdue,
    /// The marker of its container failed.
    MarkerFailed {
        /// The reason.
        why: String,
    },
    /// It is no longer ready.
    NotReady,
    /// A hook of the user's that is printed, not run.
    NotRun {
        /// The hook's command.
        hook: String,
    },
    /// The installer ends, because this has failed.
    GivesUp {
        /// The stage.
        what: String,
    },
    /// A line that a process of it printed.
    Output {
        /// The line, without its end.
        line: String,
    },
    /// It is ready.
    Ready,
    /// It is deleted, by an installer or because its time is over.
    Removed,
    /// A node was found for it.
    Scheduled {
        /// The node's name.
        node: String,
    },
    /// It created a variable, or oncue's controller did for it.
    Signaled {
        /// The name, with the value.
        variable: String,
    },
    /// A container started.
    Started {
        /// The container's name.
        container: String,
    },
    /// It succeeded.
    Succeeded,
    /// What it waited for holds.
    WaitOver {
        /// For how long it waited.
        waited: Seconds,
        /// The terms.
        for_what: Vec<String>,
    },
    /// Its wait failed, and the kubelet starts the container again.
    WaitRestarted {
        /// The reason.
        why: String,
    },
    /// It waits for these.
    Waiting {
        /// The terms.
        terms: Vec<String>,
    },
    /// oncue's controller withdrew a variable.
    Withdrawn {
        /// The name.
        variable: String,
    },
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
            Self::Applies { what } => write!(f, "applies {what}"),
            Self::Denied { message } => write!(f, "denied: {message}"),
            Self::ContainerRestarted { container } => {
                write!(f, "container {container} has ended and is started again")
            }
            Self::CrashLooping => f.write_str("fails again and again"),
            Self::Deleted => f.write_str("deleted with its Job"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::GateOverdue { why } => write!(f, "{why}; its gate stays closed"),
            Self::Gated { terms } => write!(f, "not scheduled before {}", terms.join(", ")),
            Self::GatedByOthers { gates } => write!(
                f,
                "held: never scheduled, nothing removes its gate {}",
                gates.join(", ")
            ),
            Self::Held => f.write_str("held: its own containers never start"),
            Self::InitContainerPassed { container } => {
                write!(f, "init container {container} counts as done")
            }
            Self::JobComplete => f.write_str("complete"),
            Self::JobFailed => f.write_str("has failed"),
            Self::JobFailedByPolicy => f.write_str("has failed: its podFailurePolicy says so"),
            Self::JobOverdue => f.write_str("has failed: its activeDeadlineSeconds are over"),
            Self::MarkerFailed { why } => write!(f, "its marker failed: {why}"),
            Self::NotReady => f.write_str("not ready any more"),
            Self::NotRun { hook } => write!(f, "its own postStart hook is not run: {hook}"),
            Self::GivesUp { what } => write!(f, "gives up: {what} failed"),
            Self::Output { line } => write!(f, "| {line}"),
            Self::Ready => f.write_str("ready"),
            Self::Removed => f.write_str("deleted"),
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

/// Sees what happens, as it happens.
pub trait Listener {
    /// Sees, before anything happens, the names of most pods.
    fn names(&mut self, names: &mut dyn Iterator<Item = String>);

    /// Sees, before anything happens, something that will be missing.
    fn unknown(&mut self, unknown: &Unknown);

    /// Sees what happened at `time`, counted from the beginning.
    fn entry(&mut self, time: Duration, entry: &Entry);
}

/// Something that a pod asks for and that is missing in a simulation, as it is printed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Unknown {
    /// A host or object that is neither in the files nor assumed.
    Absent(String),
    /// What the simulation does not play of an object, and what is not assumed.
    NotPlayed(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(what) => write!(f, "not in these files, and not assumed: {what}"),
            Self::NotPlayed(what) => write!(f, "not played: {what}"),
        }
    }
}

/// A time as it is printed, such as `0.12s`; in JSON, a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seconds(pub Duration);

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
