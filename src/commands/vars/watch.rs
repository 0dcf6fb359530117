//! `oncue vars watch`.

mod changes;

use std::{ops::ControlFlow, thread, time::Duration};

use anyhow::anyhow;
use clap::Args;
use oncue_client::{api::ApiError, backoff::Backoff};
use oncue_wire::{Change, Event};

use self::changes::Changes;
use super::document;
use crate::{
    commands::{
        output::{self, Format},
        server::{Store, StoreArgs},
    },
    language::{VariableName, escape::Escaped},
};

#[derive(Args, Debug)]
pub(super) struct Watch {
    /// Only this name and those below it
    prefix: Option<VariableName>,

    /// Output format; JSON is one object per line, including bookmarks
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    store: StoreArgs,
}

impl Watch {
    /// Prints changes until the reader closes the output. Waits while the store is away.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = self.store.open()?;
        let mut lines = Lines::begin(&store, self.path(&store))?;
        let mut changes = Changes::default();
        loop {
            let Some(line) = lines.next()? else {
                changes.begin_again();
                continue;
            };
            for event in changes.news(serde_json::from_str(&line)?) {
                if self.print(&event)?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn path(&self, store: &Store) -> String {
        let path = format!("/v1/namespaces/{}/watch", store.namespace);
        match &self.prefix {
            Some(prefix) => format!("{path}?prefix={prefix}"),
            None => path,
        }
    }

    fn print(&self, event: &Event) -> anyhow::Result<ControlFlow<()>> {
        let (what, change) = match (self.output, event) {
            (Format::Json, _) => {
                let line = serde_json::to_string(event)?;
                return output::print_next(&format!("{}\n", output::json(&line)));
            }
            (Format::Text, Event::Bookmark(_)) => return Ok(ControlFlow::Continue(())),
            (Format::Text, Event::Added(change)) => ("ADDED", change),
            (Format::Text, Event::Deleted(change)) => ("DELETED", change),
            (Format::Text, Event::Modified(change)) => ("MODIFIED", change),
        };
        output::print_next(&row(what, change))
    }
}

/// The lines of a watch, which begins again where the store goes away.
struct Lines<'a> {
    store: &'a Store,
    path: String,
    stream: Box<dyn Iterator<Item = Result<String, ApiError>>>,
    backoff: Backoff,
}

impl<'a> Lines<'a> {
    fn begin(store: &'a Store, path: String) -> anyhow::Result<Self> {
        let lines = store.told(store.api.lines(&path))?;
        Ok(Self {
            store,
            path,
            stream: Box::new(lines),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        })
    }

    /// Returns the next line, or `None` where the watch has begun again.
    fn next(&mut self) -> anyhow::Result<Option<String>> {
        let reason = match self.stream.next() {
            Some(Ok(line)) => {
                self.backoff.reset();
                return Ok(Some(line));
            }
            Some(Err(error)) => self.outage(error)?,
            None => anyhow!("the store ended the watch"),
        };
        output::note(&format!("{reason}; trying again"));
        self.begin_again()?;
        Ok(None)
    }

    fn begin_again(&mut self) -> anyhow::Result<()> {
        let mut random = fastrand::Rng::new();
        loop {
            thread::sleep(self.backoff.after_failure(&mut random));
            match self.store.api.lines(&self.path) {
                Ok(lines) => {
                    self.stream = Box::new(lines);
                    return Ok(());
                }
                Err(error) => drop(self.outage(error)?),
            }
        }
    }

    /// Returns in words what may pass; anything else is an error.
    fn outage(&self, error: ApiError) -> anyhow::Result<anyhow::Error> {
        let lasts = error.is_final() || matches!(error, ApiError::Garbled { .. });
        let told = self.store.explain(error);
        if lasts { Err(told) } else { Ok(told) }
    }
}

/// Returns one line of fixed columns, since the widths of later lines are not known.
fn row(
    what: &str,
    Change {
        name, assertion, ..
    }: &Change,
) -> String {
    let cells = document::assertion_row(assertion).map(|cell| Escaped(cell).to_string());
    let [owner, kind, value, age, _] = cells;
    let line = format!("{what:<9} {name:<40} {kind:<8} {owner:<30} {age:>6}   {value}");
    format!("{}\n", line.trim_end())
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
