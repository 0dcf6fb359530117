//! The changes that a store shows, over HTTP.

use std::{thread, time::Duration};

use anyhow::anyhow;
use oncue_client::{api::ApiError, backoff::Backoff};

use super::Server;
use crate::commands::{
    backend::{Changes, Seen},
    output,
};

/// The lines of a watch, which begins again where the store goes away.
pub(super) struct ServedChanges<'a> {
    server: &'a Server,
    path: String,
    lines: Box<dyn Iterator<Item = Result<String, ApiError>>>,
    backoff: Backoff,
}

impl<'a> ServedChanges<'a> {
    pub(super) fn begin(server: &'a Server, path: String) -> anyhow::Result<Self> {
        let lines = server.told(server.api.lines(&path))?;
        Ok(Self {
            server,
            path,
            lines: Box::new(lines),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        })
    }

    fn begin_again(&mut self) -> anyhow::Result<()> {
        let mut random = fastrand::Rng::new();
        loop {
            thread::sleep(self.backoff.after_failure(&mut random));
            match self.server.api.lines(&self.path) {
                Ok(lines) => {
                    self.lines = Box::new(lines);
                    return Ok(());
                }
                Err(error) => drop(self.outage(error)?),
            }
        }
    }

    /// Returns in words what may pass; anything else is an error.
    fn outage(&self, error: ApiError) -> anyhow::Result<anyhow::Error> {
        let lasts = error.is_final() || matches!(error, ApiError::Garbled { .. });
        let told = self.server.explain(error);
        if lasts { Err(told) } else { Ok(told) }
    }
}

impl Changes for ServedChanges<'_> {
    fn next(&mut self) -> anyhow::Result<Seen> {
        let reason = match self.lines.next() {
            Some(Ok(line)) => {
                self.backoff.reset();
                return Ok(Seen::Event(serde_json::from_str(&line)?));
            }
            Some(Err(error)) => self.outage(error)?,
            None => anyhow!("the store ended the watch"),
        };
        output::note(&format!("{reason}; trying again"));
        self.begin_again()?;
        Ok(Seen::BeginsAgain)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
