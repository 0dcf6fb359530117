//! `oncue vars watch`.

use clap::Args;
use serde::Deserialize;

use super::document::Variable;
use crate::{
    commands::{
        output::{self, Format},
        server::StoreArgs,
    },
    language::VariableName,
};

#[derive(Args, Debug)]
pub(super) struct Watch {
    /// Only this name and those below it
    prefix: Option<VariableName>,

    /// How to print changes: JSON is one object a line, bookmarks included
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Deserialize)]
struct Event {
    r#type: String,
    variable: Option<Variable>,
}

impl Watch {
    /// Prints changes until nobody reads them, or the store ends the stream.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let store = self.store.open()?;
        let mut path = format!("/v1/namespaces/{}/watch", store.namespace);
        if let Some(prefix) = &self.prefix {
            path = format!("{path}?prefix={prefix}");
        }
        for line in store.told(store.api.lines(&path))? {
            let line = store.told(line)?;
            let text = match self.output {
                Format::Json => format!("{line}\n"),
                Format::Text => {
                    let event: Event = serde_json::from_str(&line)?;
                    let Some(variable) = event.variable else {
                        continue;
                    };
                    row(&event.r#type, &variable)
                }
            };
            if output::print_next(&text)?.is_break() {
                return Ok(());
            }
        }
        anyhow::bail!("the store ended the watch: run it again to go on")
    }
}

/// Returns one line of fixed columns, since nobody knows what widths are to come.
fn row(change: &str, variable: &Variable) -> String {
    let [_, name, kind, owners, value, age] = variable.row();
    let line = format!("{change:<9} {name:<40} {kind:<8} {owners:>6} {age:>6}   {value}");
    format!("{}\n", line.trim_end())
}
