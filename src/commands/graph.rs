//! `oncue graph`: producers and consumers in files or in a cluster.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{
    cluster::{Cluster, ClusterArgs},
    object::text,
    opening::{Frame, Opening},
    output,
    settings::InjectionArgs,
};
use crate::{
    cluster::{Part, Place, Question, Resource, Unlisted},
    graph,
    manifests::Input,
    model::{MemberId, Model},
    reporting::ObservedCondition,
};

const HELP: &str = "\
Examples:
  oncue graph -n shop
  oncue graph -f app/
  oncue graph -f app/ --output dot | dot -Tsvg > app.svg
  oncue graph -f app/ --output mermaid >> README.md

Without files, the command draws a cluster: its workloads and bare pods, the variables that \
Signals assert, and what the condition oncue.dev/DependenciesHeld of waiting pods says. It \
leaves out objects that a controller created. This needs the permissions to list these kinds, \
Services and signals.oncue.dev.
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
        let Opened { opening, pods } = self.open()?;
        opening.complain();
        let modelled = opening.model();
        let remarks = remarks(&modelled.model, &pods);
        let graph = graph::Graph::new(&modelled.model).with_remarks(remarks);
        output::print(&match self.output {
            Drawing::Dot => graph.to_dot(),
            Drawing::Mermaid => graph.to_mermaid(),
            Drawing::Text => graph.to_text(),
        })?;
        Ok(ExitCode::SUCCESS)
    }

    fn open(&self) -> anyhow::Result<Opened> {
        if !self.inputs.is_empty() {
            let opening = Opening::files(&self.inputs, &self.cluster, &self.injection)?;
            let pods = Vec::new();
            return Ok(Opened { opening, pods });
        }
        let cluster = self.cluster.connect()?;
        let frame = Frame::new(Some(&cluster), &self.cluster, &self.injection)?;
        let place = if self.all_namespaces {
            Place::Everywhere
        } else {
            Place::Namespace(frame.namespace.clone())
        };
        let pods = pending_pods(&cluster, (&place, &frame)).unwrap_or_else(|error| {
            output::note(&error.to_string());
            Vec::new()
        });
        let opening = Opening::live(&cluster, frame, place)?;
        Ok(Opened { opening, pods })
    }
}

/// What is drawn.
struct Opened {
    opening: Opening,
    /// The live pods that may wait.
    pods: Vec<Value>,
}

/// Returns the injected pods that have not started.
fn pending_pods(
    cluster: &Cluster,
    (place, frame): (&Place, &Frame),
) -> Result<Vec<Value>, Unlisted> {
    let label = format!("{}=true", frame.settings.managed_label());
    let pending = Question {
        labels: &label,
        fields: "status.phase=Pending",
        part: Part::Whole,
    };
    cluster.list(Resource::POD, place, pending)
}

/// Returns what the conditions of pods that wait say, by the members that make these pods.
fn remarks(model: &Model, pods: &[Value]) -> BTreeMap<MemberId, Vec<graph::Remark>> {
    let mut remarks: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pod in pods {
        let condition = ObservedCondition::read(pod).filter(|it| *it.status != *"True");
        if let (Some(condition), Some(member)) = (condition, model.member_of_pod(pod)) {
            let text = format!("pod/{}: {}", text(pod, "/metadata/name"), condition.message);
            let word = condition.reason.into();
            let remark = graph::Remark { word, text };
            remarks.entry(member).or_default().push(remark);
        }
    }
    remarks
}
