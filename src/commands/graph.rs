//! `oncue graph`: who waits for whom in a set of files.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{
    cluster::ClusterArgs, files::Files, opening::Opening, output, settings::InjectionArgs,
};

const HELP: &str = "\
Examples:
  oncue graph -f app/
  oncue graph -f app/ --output dot | dot -Tsvg > app.svg
  oncue graph -f app/ --output mermaid >> README.md

Annotations that cannot be read are left out: `oncue check` says what is wrong with them.
Exit codes: 0 drawn, 1 a file cannot be read, 2 usage.";

/// The arguments of `oncue graph`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct Graph {
    #[command(flatten)]
    files: Files,

    /// How to draw it
    #[arg(short, long, value_enum, default_value_t)]
    output: Drawing,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Drawing {
    /// In the language of Graphviz.
    Dot,
    /// As a flowchart for Markdown.
    Mermaid,
    /// For a terminal.
    #[default]
    Text,
}

impl Graph {
    /// Prints the drawing.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let opening = Opening::files(&self.files, &self.cluster, &self.injection)?;
        let graph = opening.graph();
        output::print(&match self.output {
            Drawing::Dot => graph.to_dot(),
            Drawing::Mermaid => graph.to_mermaid(),
            Drawing::Text => graph.to_text(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
