//! The signals that end the client.

use std::{io, thread};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// The signals that end the client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Interrupts {
    /// None: the surrounding process handles signals.
    #[default]
    Nobody,
    /// SIGTERM and SIGINT. A process that is PID 1 ignores them unless it handles them.
    Signals,
}

impl Interrupts {
    /// Calls `stop` on a separate thread with each signal.
    ///
    /// # Errors
    /// If the operating system cannot start that thread.
    pub(crate) fn watch(self, stop: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
        if self == Self::Nobody {
            return Ok(());
        }
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let watch = move || {
            signals
                .forever()
                .for_each(|number| stop(Signal::of(number)));
        };
        thread::Builder::new().spawn(watch).map(drop)
    }

    /// Ends the process with the first signal.
    pub(crate) fn end_the_process(self) -> io::Result<()> {
        self.watch(|signal| std::process::exit(signal.exit_code().into()))
    }
}

/// A signal that ends the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    fn of(number: i32) -> Self {
        match number {
            SIGINT => Self::Interrupt,
            _ => Self::Terminate,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// Returns the shell's exit code for the signal.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}
