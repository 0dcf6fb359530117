//! `oncue convert`: annotations in the place of init containers that wait.

mod conversion;
mod diff;
mod report;
mod write;

use std::process::ExitCode;

use clap::Args;

use self::conversion::Conversion;
use super::{
    files::{Files, Unreadable},
    output::{self, Format},
    usage,
};
use crate::{
    language::Namespace,
    manifests::{self, Input},
};

const HELP: &str = "\
Examples:
  oncue convert -f app/
  oncue convert -f app/ --diff
  oncue convert -f app/ --write
  helm template my-release chart/ | oncue convert -f - --diff

The command runs the script of each init container on a virtual clock, without executing anything.
If the container does nothing but wait, terms of depends-on take its place. Otherwise, it stays, and
the report says why. The order of the containers counts: a wait that stands after work stays.
A host may come from the container's environment, from a ConfigMap in the files, or from a default.
Without --write, no file changes. The command contacts no cluster.
Exit codes: 0 done, 1 a file cannot be read or written, 2 wrong usage.";

/// The arguments of `oncue convert`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Convert {
    #[command(flatten)]
    files: Files,

    /// Namespace of objects without one, if the manifests are always applied to the same
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<Namespace>,

    /// Also convert if the terms say slightly more or less than the container
    #[arg(long)]
    approximate: bool,

    /// Print the changes as a patch; the report goes to the standard error
    #[arg(long)]
    diff: bool,

    /// Change the files in place; comments and formatting of everything else stay
    #[arg(long)]
    write: bool,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Convert {
    /// Converts, and reports what became of each init container.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.write && self.files.inputs.contains(&Input::Stdin) {
            return Err(usage(anyhow::anyhow!(
                "--write takes files, not the standard input"
            ))
            .into());
        }
        let (sources, mut errors) = manifests::sources(&self.files.inputs);
        let (conversion, unreadable) = Conversion::new(&sources, &self.settings());
        errors.extend(unreadable);
        if self.write {
            write::all(&conversion.changed_files())?;
        }
        self.print(&conversion)?;
        if errors.is_empty() {
            Ok(ExitCode::SUCCESS)
        } else {
            Err(Unreadable(errors).into())
        }
    }

    fn settings(&self) -> oncue_convert::plan::Settings {
        oncue_convert::plan::Settings {
            approximate: self.approximate,
            namespace: self.namespace.clone(),
        }
    }

    fn print(&self, conversion: &Conversion) -> anyhow::Result<()> {
        let patch = self
            .diff
            .then(|| diff::unified(&conversion.changed_files()));
        match (self.output, patch) {
            (Format::Json, patch) => {
                let mut report = report::json(conversion);
                if let Some(patch) = patch {
                    report["diff"] = patch.into();
                }
                output::print_json(&report)
            }
            (Format::Text, Some(patch)) => {
                anstream::eprint!(
                    "{}",
                    output::printable(report::text(conversion, self.hint()))
                );
                output::print(&patch)
            }
            (Format::Text, None) => output::print(&report::text(conversion, self.hint())),
        }
    }

    /// Says what to do next.
    fn hint(&self) -> &'static str {
        match (self.write, self.diff) {
            (true, _) => "the files are changed",
            (false, true) => "--write changes the files",
            (false, false) => "--diff shows the changes, --write makes them",
        }
    }
}
