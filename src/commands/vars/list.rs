//! `oncue vars list`.

use std::{collections::BTreeMap, fmt::Write};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use oncue_wire::{
    Branch, Variable, VariableList, VariableTree,
    tree::{self, Root},
};

use super::{document, manifests};
use crate::{
    api::documents,
    commands::{installation::Scope, output, usage},
    language::{VariableName, escape::Escaped},
};

#[derive(Args, Debug)]
pub(super) struct List {
    /// Only this name and those below it
    prefix: Option<VariableName>,

    /// Print a tree of names
    #[arg(long, conflicts_with = "all_namespaces")]
    tree: bool,

    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,

    #[command(flatten)]
    scope: Scope,
}

/// How variables are listed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum ListFormat {
    /// JSON.
    Json,
    /// Text, for people.
    #[default]
    Text,
    /// Signals for `kubectl apply -f -`: the durable assertions. Pods assert the others again.
    Yaml,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.tree && self.output == ListFormat::Yaml {
            return Err(usage(anyhow!(
                "--tree prints text or JSON: leave out --output yaml"
            ))
            .into());
        }
        let installation = self.scope.store.open()?;
        let place = self.scope.place(&installation.namespace);
        let listed = installation.backend.list(&place, self.prefix.as_ref())?;
        if self.output == ListFormat::Yaml {
            return manifests::print(&listed.assertions);
        }
        let list = VariableList {
            revision: listed.revision,
            variables: documents::variables(&listed.assertions),
            r#continue: None,
        };
        match (self.output, self.tree) {
            (ListFormat::Json, false) => output::print_json(&serde_json::to_value(list)?),
            (ListFormat::Json, true) => output::print_json(&serde_json::to_value(tree_of(list))?),
            (_, false) => self.print(&list.variables),
            (_, true) => {
                let mut text = String::new();
                draw(&mut text, "", &tree_of(list).tree);
                output::print(&text)
            }
        }
    }

    fn print(&self, variables: &[Variable]) -> anyhow::Result<()> {
        if variables.is_empty() {
            anstream::eprintln!("no variables found");
            return Ok(());
        }
        let rows: Vec<_> = [document::HEAD.map(str::to_owned)]
            .into_iter()
            .chain(variables.iter().map(document::row))
            .collect();
        output::print(&self.table(&rows)?)
    }

    fn table(&self, rows: &[[String; 6]]) -> anyhow::Result<String> {
        if self.scope.is_everywhere() {
            return output::table(rows);
        }
        let without_namespace: Vec<_> = rows
            .iter()
            .map(|[_, name, kind, owners, value, age]| {
                [name, kind, owners, value, age].map(String::clone)
            })
            .collect();
        output::table(&without_namespace)
    }
}

/// Returns the tree of a list: the pages of a tree could not be told from each other.
fn tree_of(list: VariableList) -> VariableTree {
    VariableTree {
        revision: list.revision,
        tree: tree::branches(Root::Names, list.variables),
        r#continue: None,
    }
}

/// Draws what lies below one name, each line behind `margin`.
fn draw(text: &mut String, margin: &str, branches: &BTreeMap<String, Branch>) {
    for (index, (segment, branch)) in branches.iter().enumerate() {
        let is_last = index + 1 == branches.len();
        let (joint, below) = if is_last {
            ("`-- ", "    ")
        } else {
            ("|-- ", "|   ")
        };
        let facts = branch.variable.as_ref().map(|variable| {
            let [_, _, kind, owners, value, age] = document::row(variable);
            let value = if value.is_empty() {
                value
            } else {
                format!("={}", Escaped(value))
            };
            format!("{value}  ({kind}, {owners}, {age})")
        });
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{margin}{joint}{}{}",
            Escaped(segment),
            facts.unwrap_or_default()
        );
        draw(text, &format!("{margin}{below}"), &branch.children);
    }
}
