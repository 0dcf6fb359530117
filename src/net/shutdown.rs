//! The way down of a process, in phases.

use tokio::sync::watch;

/// Where the process is on its way down.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// Everything is up.
    #[default]
    Serving,
    /// Not ready any more, but still serving, with `Connection: close`.
    Lingering,
    /// No new connections; the requests under way come to their end.
    Draining,
}

/// Moves the process from phase to phase.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<Phase>);

impl ShutdownTrigger {
    /// Moves on to `phase`; never goes back.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }
}

/// Tells where the process is on its way down.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

impl Shutdown {
    /// Returns a process that is serving, and what moves it on.
    ///
    /// When the trigger is dropped the process counts as draining.
    pub fn new() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(Phase::Serving);
        (ShutdownTrigger(sender), Self(receiver))
    }

    /// Returns the present phase.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until `phase`, or a later one, is reached.
    pub async fn reached(mut self, phase: Phase) {
        // An error means that the trigger is gone, which is the last phase of all.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_goes_back() {
        let (trigger, shutdown) = Shutdown::new();
        trigger.advance(Phase::Draining);
        trigger.advance(Phase::Lingering);
        assert_eq!(shutdown.phase(), Phase::Draining);
    }

    #[tokio::test]
    async fn a_later_phase_has_reached_the_earlier_ones() {
        let (trigger, shutdown) = Shutdown::new();
        trigger.advance(Phase::Draining);
        shutdown.reached(Phase::Lingering).await;
    }

    #[tokio::test]
    async fn counts_as_draining_without_its_trigger() {
        let (trigger, shutdown) = Shutdown::new();
        drop(trigger);
        shutdown.reached(Phase::Draining).await;
    }
}
