//! What the client's exit code says.

use std::process::ExitCode;

use crate::{interrupts::Signal, wait::EndingKind};

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// A chained command ended with this code.
    Command(u8),
    /// A dependency failed.
    DependencyFailed,
    /// Something went wrong, or something asked for does not exist.
    Error,
    /// It held, or it was done.
    Held,
    /// A signal came.
    Signal(Signal),
    /// A timeout went by.
    TimedOut,
    /// The command line or the environment is wrong.
    Usage,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::DependencyFailed => 3,
            Self::TimedOut => 124,
            Self::Signal(signal) => signal.exit_code(),
            Self::Command(code) => code,
        }
    }
}

impl From<EndingKind> for Exit {
    fn from(kind: EndingKind) -> Self {
        match kind {
            EndingKind::Failed => Self::DependencyFailed,
            EndingKind::Ready => Self::Held,
            EndingKind::Refused => Self::Error,
            EndingKind::TimedOut => Self::TimedOut,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
