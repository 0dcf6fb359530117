//! What SIGINT does: it ends this process at once, unless there is something to clean up.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{consts::SIGINT, flag};

/// The exit code of a process that SIGINT ended, as a shell reports it.
pub(crate) const INTERRUPTED: u8 = 130;

/// The reaction to SIGINT.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    ends_process: Arc<AtomicBool>,
}

impl Interrupt {
    /// Lets SIGINT end this process from now on, whatever it is doing.
    pub(crate) fn install() -> io::Result<Self> {
        let ends_process = Arc::new(AtomicBool::new(true));
        let status = INTERRUPTED.into();
        flag::register_conditional_shutdown(SIGINT, status, Arc::clone(&ends_process))?;
        Ok(Self { ends_process })
    }

    /// Leaves SIGINT to other handlers until the result is dropped.
    pub(super) fn suspend(&self) -> Suspended<'_> {
        self.ends_process.store(false, Ordering::SeqCst);
        Suspended(self)
    }
}

/// SIGINT does not end the process.
#[derive(Debug)]
pub(super) struct Suspended<'a>(&'a Interrupt);

impl Drop for Suspended<'_> {
    fn drop(&mut self) {
        self.0.ends_process.store(true, Ordering::SeqCst);
    }
}
