//! `signals-on-wait` and `signals-on-init`: signals that are created before the wait, and after it but
//! before the pod's containers start.

use std::time::Duration;

use oncue_wire::AssertRequest;

use super::{Happening, Waiting};
use crate::{
    api::ApiError, backoff::Backoff, commands::NamedSignal, exit::Exit, interrupts::Signal,
    wait::elapsed,
};

impl Waiting<'_> {
    /// Creates the signals one after the other, however long the store takes.
    ///
    /// # Errors
    /// The exit with its message, after SIGTERM or if the store rejects a signal.
    pub(super) fn signal_all(&self, signals: &[NamedSignal]) -> Result<(), (Exit, String)> {
        for signal in signals {
            self.signal(signal)?;
            self.surroundings
                .console
                .say(format_args!("Signalled: {}", signal.name));
        }
        Ok(())
    }

    fn signal(&self, signal: &NamedSignal) -> Result<(), (Exit, String)> {
        let mut random = fastrand::Rng::new();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let begun = self.now();
        loop {
            let stopped = |stop| self.stopped_while_signalling(signal, stop);
            let error = match self.attempt(signal).map_err(stopped)? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let after = elapsed(self.now().saturating_sub(begun));
            let attempt = format!("signal {} after {after}: {error}", signal.name);
            if error.is_final() {
                let message = format!("Failed to {attempt}");
                self.surroundings.console.say(&message);
                return Err((Exit::Error, message));
            }
            let delay = backoff.after_failure(&mut random);
            // Printed at a falling rate.
            if backoff.failures().is_power_of_two() {
                self.surroundings
                    .console
                    .say(format_args!("Trying to {attempt}"));
            }
            self.listen(Some(self.now() + delay)).map_err(stopped)?;
        }
    }

    /// Asks on a separate thread, so that SIGTERM is noticed meanwhile.
    fn attempt(&self, signal: &NamedSignal) -> Result<Result<(), ApiError>, Signal> {
        let api = self.preparation.api.clone();
        let namespace = self.preparation.namespace.clone();
        let name = signal.name.clone();
        let assertion = AssertRequest {
            value: signal.value.clone(),
            owner: self.preparation.owner.clone(),
            ..AssertRequest::default()
        };
        let url = api.endpoint().url.to_string();
        self.in_background(
            move || Happening::Signalled(api.create(&namespace, &name, &assertion).map(drop)),
            |reason| Happening::Signalled(Err(ApiError::Unreachable { url, reason })),
        );
        loop {
            if let Some(result) = self.listen(None)? {
                return Ok(result);
            }
        }
    }

    /// Returns the result of an attempt, or `None` without a result in time.
    fn listen(&self, until: Option<Duration>) -> Result<Option<Result<(), ApiError>>, Signal> {
        loop {
            match self.next(until) {
                Some(Happening::Signalled(result)) => return Ok(Some(result)),
                Some(Happening::Signal(stop)) => return Err(stop),
                // Late events of the wait do not matter.
                Some(Happening::Event(_)) => {}
                None => return Ok(None),
            }
        }
    }

    fn stopped_while_signalling(&self, signal: &NamedSignal, stop: Signal) -> (Exit, String) {
        let message = format!(
            "Stopped by {} before signalling {}",
            stop.name(),
            signal.name
        );
        self.surroundings.console.say(&message);
        (Exit::Signal(stop), message)
    }
}
