//! `oncue convert`: annotations in the place of init containers that wait.

mod conversion;
mod diff;
mod report;
mod verify;
mod write;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;

use self::conversion::Conversion;
use super::{
    files::{Files, Unreadable},
    output::{self, Format},
    usage,
};
use crate::{
    language::Namespace,
    manifests::{self, Input, ManifestError, Manifests, Source},
};

const HELP: &str = "\
Examples:
  oncue convert -f app/
  oncue convert -f app/ --diff
  oncue convert -f app/ --write
  helm template my-release chart/ | oncue convert -f - --diff

The command runs the script of each init container on a virtual clock, without executing \
anything. If the container does nothing but wait, terms of depends-on take its place. Otherwise, \
it stays, and the report says why. The order of the containers counts: a wait that stands after \
work stays.
A host may come from the container's environment, from a ConfigMap in the files, or from a \
default.
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

    #[command(flatten)]
    actions: Actions,

    /// Compose file from which another tool made the manifests: its `depends_on` becomes annotations
    #[arg(long, value_name = "FILE", conflicts_with_all = ["approximate", "verify"])]
    compose: Option<PathBuf>,

    /// Format of the report
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is done with the changes.
#[derive(Args, Clone, Copy, Debug)]
struct Actions {
    /// Print the changes as a patch; the report goes to the standard error
    #[arg(long)]
    diff: bool,

    /// Change the files in place; comments and formatting of everything else stay
    #[arg(long)]
    write: bool,

    /// Rehearse the files before and after, and fail if the pods start in another order
    #[arg(long)]
    verify: bool,
}

impl Convert {
    /// Converts, and reports what became of each init container.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.actions.write && self.files.inputs.contains(&Input::Stdin) {
            return Err(usage(anyhow::anyhow!(
                "--write takes files, not the standard input"
            ))
            .into());
        }
        let (sources, mut errors) = manifests::sources(&self.files.inputs);
        let (conversion, unreadable) = match &self.compose {
            Some(path) => of_compose(&sources, path)?,
            None => Conversion::new(&sources, &self.settings()),
        };
        errors.extend(unreadable);
        let verdict = self
            .actions
            .verify
            .then(|| verify::verify(&conversion, &self.namespace()));
        let verdict = verdict.transpose()?;
        if self.actions.write {
            write::all(&conversion.changed_files())?;
        }
        self.print(&conversion)?;
        if let Some(verdict) = verdict {
            anstream::eprintln!("{}", output::printable(verdict));
        }
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

    fn namespace(&self) -> Namespace {
        self.namespace.clone().unwrap_or_default()
    }

    fn print(&self, conversion: &Conversion) -> anyhow::Result<()> {
        let patch = self
            .actions
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
        match (self.actions.write, self.actions.diff) {
            (true, _) => "the files are changed",
            (false, true) => "--write changes the files",
            (false, false) => "--diff shows the changes, --write makes them",
        }
    }
}

fn of_compose(
    sources: &[Arc<Source>],
    path: &Path,
) -> anyhow::Result<(Conversion, Vec<ManifestError>)> {
    let compose = Manifests::read(&[Input::Path(path.to_owned())]).map_err(Unreadable)?;
    let document = compose
        .documents()
        .next()
        .context("the compose file is empty")?;
    Ok(Conversion::of_compose(sources, document))
}
