//! What fails for a while: said once, not at each try.

use std::{borrow::Cow, time::Duration};

use tokio::time::{Instant, Sleep};
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
    lasting: Option<Lasting>,
    has_worked: bool,
}

/// An outage that is not over.
#[derive(Debug)]
struct Lasting {
    since: Instant,
    reason: String,
    level: Level,
}

impl Outage {
    /// Names what is tried; it works so far.
    pub(crate) fn of(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            lasting: None,
            has_worked: false,
        }
    }

    /// Returns whether the last try failed.
    #[cfg(test)]
    pub(crate) fn lasts(&self) -> bool {
        self.lasting.is_some()
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
        self.has_worked = true;
        let Self { what, lasting, .. } = self;
        match lasting.take().map(|it| it.level) {
            Some(Level::Error) => info!(%what, "works again"),
            Some(Level::Info) => info!(%what, "is there: no longer waiting"),
            None => {}
        }
    }

    /// Takes note of a try that has failed. Failures with the same reason are logged once, even if
    /// their texts name different objects.
    pub(crate) fn failed(&mut self, reason: &str, text: &str) {
        self.lasts_at(Level::Error, (reason, text));
    }

    /// Takes note of a try that has failed as it does while others start: that is an error only if it
    /// lasts, or if it worked before.
    pub(crate) fn awaits(&mut self, reason: impl Into<anyhow::Error>) {
        let reason = format!("{:#}", reason.into());
        let lasting = self.lasting.as_ref();
        let begun = lasting.map_or(Duration::ZERO, |it| it.since.elapsed());
        let level = if self.has_worked || begun >= START {
            Level::Error
        } else {
            Level::Info
        };
        self.lasts_at(level, (&reason, &reason));
    }

    fn lasts_at(&mut self, level: Level, (reason, text): (&str, &str)) {
        let lasting = self.lasting.as_ref();
        if lasting.is_some_and(|it| it.level == level && it.reason == reason) {
            return;
        }
        let what = &self.what;
        match level {
            Level::Error => error!(%what, error = text, "failed: trying again"),
            Level::Info => info!(%what, reason = text, "not there yet: waiting"),
        }
        self.lasting = Some(Lasting {
            since: lasting.map_or_else(Instant::now, |it| it.since),
            reason: reason.to_owned(),
            level,
        });
    }
}

/// At which level a failure is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    Error,
    Info,
}

/// The time that other parts have to start.
const START: Duration = Duration::from_mins(1);

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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use tokio::time::advance;

    use super::*;
    use crate::captured_log::Log;

    /// Returns level and text of each line.
    fn lines(log: &Log) -> Vec<String> {
        let text = log.text();
        let line = |line: &str| {
            line.split_once("  ")
                .or(line.split_once(' '))
                .unwrap()
                .1
                .to_owned()
        };
        text.lines()
            .map(|it| line(it).replace("oncue::outage: ", ""))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_make_at_the_start_is_an_error_only_if_it_lasts() {
        let log = Log::default();
        let _logging = log.start();
        let mut outage = Outage::of("authority");
        for _ in 0..7 {
            outage.awaits(anyhow!("none yet"));
            advance(Duration::from_secs(10)).await;
        }
        outage.succeeded();
        outage.awaits(anyhow!("gone"));
        let expected = [
            r#"INFO not there yet: waiting what=authority reason="none yet""#,
            r#"ERROR failed: trying again what=authority error="none yet""#,
            "INFO works again what=authority",
            r#"ERROR failed: trying again what=authority error="gone""#,
        ];
        assert_eq!(lines(&log), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_logged_once_for_each_reason_and_so_is_its_end() {
        let log = Log::default();
        let _logging = log.start();
        let mut outage = Outage::of("authority");
        outage.awaits(anyhow!("none yet"));
        outage.awaits(anyhow!("none yet"));
        outage.succeeded();
        for reason in ["torn", "torn", "foreign"] {
            outage.note::<()>(Err(anyhow!(reason)));
        }
        outage.note(Ok::<_, anyhow::Error>(()));
        let expected = [
            r#"INFO not there yet: waiting what=authority reason="none yet""#,
            "INFO is there: no longer waiting what=authority",
            r#"ERROR failed: trying again what=authority error="torn""#,
            r#"ERROR failed: trying again what=authority error="foreign""#,
            "INFO works again what=authority",
        ];
        assert_eq!(lines(&log), expected);
    }
}
