//! `oncue vars`: the variables of an installation.

mod apply;
mod document;
mod list;
mod manifests;
mod watch;

pub(super) use self::document::{age, age_since, now};

use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::{apply::Apply, list::List, watch::Watch};
use super::{
    backend::{Creation, HandAssertion},
    installation::{Installation, StoreArgs, WHICH_STORE},
    output::{self, Format},
};
use crate::language::{Signal, Timeout, VariableKey, VariableName};

const EXAMPLES: &str = "\
Examples:
  oncue vars list
  oncue vars list workers --tree
  oncue vars get first/container --output json
  oncue vars create migration/done=v42 --ttl 1h
  oncue vars delete migration/done
  oncue vars watch -n shop
  oncue vars list -A -o yaml >variables.yaml    saves durable variables, as Signals
  oncue vars apply -f variables.yaml            creates them anew, in any store

Exit codes: 0 done, 1 an error, or (get and delete) the variable does not exist, 2 wrong usage.
";

/// The arguments of `oncue vars`.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{WHICH_STORE}"))]
pub(super) struct Vars {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the variables of the durable Signals in files, by hand.
    #[command(after_help = "Example: oncue vars apply -f variables.yaml")]
    Apply(Apply),
    /// List variables.
    #[command(after_help = "Example: oncue vars list workers --tree")]
    List(List),
    /// Show one variable.
    #[command(after_help = "Example: oncue vars get first/container")]
    Get(Get),
    /// Create a variable by hand; it stays until you delete it, or until its ttl ends.
    #[command(after_help = "Example: oncue vars create migration/done=v42 --ttl 1h")]
    Create(Create),
    /// Delete a variable with all of its assertions.
    #[command(after_help = "Example: oncue vars delete migration/done")]
    Delete(Delete),
    /// Print changes as they happen.
    #[command(after_help = "Example: oncue vars watch migration --output json")]
    Watch(Watch),
}

impl Vars {
    /// Does what is asked for.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Apply(apply) => apply.run(),
            Command::Create(create) => create.run(),
            Command::Delete(delete) => delete.run(),
            Command::Get(get) => get.run(),
            Command::List(list) => list.run(),
            Command::Watch(watch) => watch.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

#[derive(Args, Debug)]
struct Get {
    /// Name of the variable
    name: VariableName,

    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    store: StoreArgs,
}

impl Get {
    fn run(self) -> anyhow::Result<()> {
        let installation = self.store.open()?;
        let variable = installation.backend.get(&key(&installation, &self.name))?;
        match self.output {
            Format::Json => output::print_json(&serde_json::to_value(variable)?),
            Format::Text => {
                let rows = document::assertion_rows(&variable.assertions);
                output::print(&output::table(&rows)?)
            }
        }
    }
}

#[derive(Args, Debug)]
struct Create {
    /// Name of the variable, with an optional value
    #[arg(value_name = "NAME[=VALUE]")]
    signal: Signal,

    /// Time to live, such as 1h [default: until it is deleted]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Timeout>,

    #[command(flatten)]
    store: StoreArgs,
}

impl Create {
    fn run(self) -> anyhow::Result<()> {
        let Some((name, value)) = self.signal.literal() else {
            anyhow::bail!(
                "{}: substitutions such as $(POD_NAME) are for annotations: write the name and the \
                 value",
                self.signal
            );
        };
        let assertion = HandAssertion {
            value,
            ttl: self.ttl,
        };
        let installation = self.store.open()?;
        let created = installation
            .backend
            .create(&key(&installation, &name), assertion)?;
        let what = match created {
            Creation::Created => "created",
            Creation::Updated => "updated",
        };
        output::print(&format!("{name} {what}\n"))
    }
}

#[derive(Args, Debug)]
struct Delete {
    /// Name of the variable
    name: VariableName,

    #[command(flatten)]
    store: StoreArgs,
}

impl Delete {
    fn run(self) -> anyhow::Result<()> {
        let Self { name, store } = self;
        let installation = store.open()?;
        installation.backend.delete(&key(&installation, &name))?;
        output::print(&format!("{name} deleted\n"))
    }
}

fn key(installation: &Installation, name: &VariableName) -> VariableKey {
    VariableKey::new(installation.namespace.clone(), name.clone())
}
