//! `oncue graph`: producers and consumers in files or in a cluster.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{
    cluster::ClusterArgs,
    opening::{Frame, Opening},
    output,
    settings::InjectionArgs,
};
use crate::{cluster::Place, graph, manifests::Input};

const HELP: &str = "\
Examples:
  oncue graph -n shop
  oncue graph -f app/
  oncue graph -f app/ --output dot | dot -Tsvg > app.svg
  oncue graph -f app/ --output mermaid >> README.md

Without files, the command draws the workloads and bare pods of a cluster, without the objects that
their controllers create. This needs the permissions to list these kinds and Services.
Invalid annotations are left out: `oncue check` shows what is wrong with them.
Exit codes: 0 drawn, 1 a file or the cluster cannot be read, 2 wrong usage.";

/// The arguments of `oncue graph`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Graph {
    /// File, folder or - for the standard input [default: the objects in the cluster]
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    inputs: Vec<Input>,

    /// Draw all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with = "inputs")]
    all_namespaces: bool,

    /// Format of the drawing
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
    /// DOT, for Graphviz.
    Dot,
    /// Mermaid flowchart, for Markdown.
    Mermaid,
    /// Text, for a terminal.
    #[default]
    Text,
}

impl Graph {
    /// Prints the drawing.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let opening = self.open()?;
        opening.complain();
        let modelled = opening.model();
        let graph = graph::Graph::new(&modelled.model);
        output::print(&match self.output {
            Drawing::Dot => graph.to_dot(),
            Drawing::Mermaid => graph.to_mermaid(),
            Drawing::Text => graph.to_text(),
        })?;
        Ok(ExitCode::SUCCESS)
    }

    fn open(&self) -> anyhow::Result<Opening> {
        if !self.inputs.is_empty() {
            return Opening::files(&self.inputs, &self.cluster, &self.injection);
        }
        let cluster = self.cluster.connect()?;
        let frame = Frame::new(Some(&cluster), &self.cluster, &self.injection)?;
        let place = if self.all_namespaces {
            Place::Everywhere
        } else {
            Place::Namespace(frame.namespace.clone())
        };
        Opening::live(&cluster, frame, place)
    }
}
