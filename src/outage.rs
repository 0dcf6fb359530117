//! What fails for a while: said once, not at each try.

use std::{borrow::Cow, time::Duration};

use tokio::time::Sleep;
use tower::{
    retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
    util::rng::HasherRng,
};
use tracing::{error, info};

/// Something that is tried again and again: its failure is logged when it begins and when its
/// reason changes, and so is its end.
#[derive(Debug)]
pub(crate) struct Outage {
    what: Cow<'static, str>,
    reason: Option<String>,
}

impl Outage {
    /// Names what is tried; it works so far.
    pub(crate) fn of(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            reason: None,
        }
    }

    /// Returns whether the last try failed.
    #[cfg(test)]
    pub(crate) fn lasts(&self) -> bool {
        self.reason.is_some()
    }

    /// Takes note of how a try ended.
    pub(crate) fn note<T>(&mut self, result: Result<T, impl Into<anyhow::Error>>) -> Option<T> {
        match result {
            Ok(value) => {
                self.succeeded();
                Some(value)
            }
            Err(failure) => {
                let failure = format!("{:#}", failure.into());
                self.failed(&failure, &failure);
                None
            }
        }
    }

    /// Takes note of a try that has succeeded.
    pub(crate) fn succeeded(&mut self) {
        let Self { what, reason } = self;
        if reason.take().is_some() {
            info!(%what, "works again");
        }
    }

    /// Takes note of a try that has failed. Failures with the same reason are logged once, even if
    /// their texts name different objects.
    pub(crate) fn failed(&mut self, reason: &str, text: &str) {
        if self.reason.as_deref() != Some(reason) {
            error!(what = %self.what, error = %text, "failed: trying again");
            self.reason = Some(reason.to_owned());
        }
    }
}

/// Tries until it succeeds.
pub(crate) async fn persist<T, E, A>(what: &'static str, mut attempt: impl FnMut() -> A) -> T
where
    A: Future<Output = Result<T, E>>,
    E: Into<anyhow::Error>,
{
    let mut outage = Outage::of(what);
    let mut pause = Pause::default();
    loop {
        if let Some(value) = outage.note(attempt().await) {
            return value;
        }
        pause.after_failure().await;
    }
}

/// How long to wait before the next try.
#[derive(Debug)]
pub(crate) struct Pause(ExponentialBackoff);

impl Pause {
    /// Waits longer after each failure, up to a limit. A random part spreads simultaneous retries.
    pub(crate) fn after_failure(&mut self) -> Sleep {
        self.0.next_backoff()
    }
}

impl Default for Pause {
    fn default() -> Self {
        let mut maker = ExponentialBackoffMaker::new(FIRST, LIMIT, JITTER, HasherRng::new())
            .expect("the limit is longer than the first pause");
        Self(maker.make_backoff())
    }
}

const FIRST: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_secs(10);
const JITTER: f64 = 0.5;
