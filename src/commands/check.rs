//! `oncue check`: what is wrong with the annotations in a set of files.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{assume::AssumeArgs, file_args::FileArgs, files::Unreadable, output, report};
use crate::{
    language::escape::Escaped,
    lint::Severity,
    manifests::Manifests,
    workload::{self, Workload},
};

const HELP: &str = "\
Examples:
  oncue check -f app.yaml
  oncue check -f base/ -f overlays/production/ --output json
  helm template my-release chart/ | oncue check -f -     findings name the templates
  oncue check -f app/ --output github      in a workflow of GitHub Actions
  oncue check -f app/ --context prod       with the settings of that cluster
  oncue check -f app/ --assume schema/migrated=v42

The command contacts a cluster only with --context or --kubeconfig.
Exit codes: 0 no error (there may be warnings), 1 an error was found, 2 wrong usage.";

/// The arguments of `oncue check`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Check {
    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    assumptions: AssumeArgs,

    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Format {
    /// Commands of GitHub Actions, which shows them at the lines of a pull request.
    Github,
    /// JSON.
    Json,
    /// Text, for people.
    #[default]
    Text,
}

impl Check {
    /// Prints what is found; the exit code says whether an error is among it.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (opening, errors) = self.files.open_rest()?;
        let opening = opening.assuming(self.assumptions.assume);
        let objects = opening.objects();
        let (mut findings, unreadable) = report::unreadable(errors);
        findings.extend(report::locate(&opening.manifests, opening.findings()));
        match self.output {
            Format::Github => output::print_as_it_is(&report::github(&findings))?,
            Format::Json => output::print_json(&report::json(&findings))?,
            Format::Text => {
                let mut text = report::text(&findings);
                text += &summary(&opening.manifests, &objects, &findings);
                if !unreadable.is_empty() {
                    let files = report::counted(unreadable.len(), "file");
                    text.extend(["; ", &files, " could not be read"]);
                }
                output::print_as_it_is(&(text + "\n"))?;
            }
        }
        if !unreadable.is_empty() {
            return Err(Unreadable(unreadable).into());
        }
        Ok(match report::count(&findings, Severity::Error) {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

fn summary(manifests: &Manifests, objects: &[&Value], findings: &[report::Located]) -> String {
    let count =
        |severity: Severity| report::counted(report::count(findings, severity), severity.as_str());
    let Tally { workloads, others } = Tally::of(objects);
    format!(
        "{} and {} in {} of {}{}",
        count(Severity::Error),
        count(Severity::Warning),
        report::counted(workloads, "workload"),
        report::counted(manifests.files().len(), "file"),
        without_pods(&others),
    )
}

/// What a set of objects consists of.
#[derive(Default)]
struct Tally<'o> {
    workloads: usize,
    /// The kinds of the objects that have no pod template, with their numbers.
    others: BTreeMap<&'o str, usize>,
}

impl<'o> Tally<'o> {
    fn of(objects: &[&'o Value]) -> Self {
        let mut tally = Self::default();
        let objects = objects.iter().flat_map(|object| workload::objects(object));
        for (pointer, object) in objects {
            let workloads = Workload::all(object, &pointer).len();
            tally.workloads += workloads;
            if workloads == 0 {
                let kind = object.get("kind").and_then(Value::as_str);
                *tally.others.entry(kind.unwrap_or("(no kind)")).or_default() += 1;
            }
        }
        tally
    }
}

fn without_pods(others: &BTreeMap<&str, usize>) -> String {
    let kinds: Vec<_> = others
        .iter()
        .map(|(kind, number)| format!("{number} {}", Escaped(kind)))
        .collect();
    if kinds.is_empty() {
        return String::new();
    }
    format!("; without pods: {}", kinds.join(", "))
}
