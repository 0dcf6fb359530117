//! `oncue vars watch`.

mod changes;

use std::ops::ControlFlow;

use clap::Args;
use oncue_wire::{Change, Event};

use self::changes::Changes;
use super::document;
use crate::{
    commands::{
        backend::Seen,
        installation::StoreArgs,
        output::{self, Format},
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
    /// Prints changes until the reader closes the output. Waits while the store or the API
    /// server is away.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let installation = self.store.open()?;
        let (backend, namespace) = (&installation.backend, &installation.namespace);
        let mut seen = backend.watch(namespace, self.prefix.as_ref())?;
        let mut changes = Changes::default();
        loop {
            let news = match seen.next()? {
                Seen::BeginsAgain => {
                    changes.begin_again();
                    continue;
                }
                Seen::Event(event) => changes.news(event),
            };
            for event in news {
                if self.print(&event)?.is_break() {
                    return Ok(());
                }
            }
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
