//! `oncue rehearse`: plays a set of files on this machine.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, error::ErrorKind};

use super::{
    files::{self, Files},
    output::{self, Format},
};
use crate::{
    language::Namespace,
    rehearsal::{
        Assumption, Detail, Directions, Rehearsal, RehearsalError, Report, Speed, Timeline,
    },
};

const HELP: &str = "\
Examples:
  oncue rehearse -f examples/first-second
  oncue rehearse -f app/ --nodes 3 --assume redis.example.com
  oncue rehearse -f app/ --fail migrate --speed 10

A store and a webhook are started on loopback, every pod is sent through admission over TLS, and
what is injected runs as processes. Own containers are not run: they start, become ready and succeed
at once, or as the annotation oncue.dev/rehearse says: \"ready=2s run=5s fail\".
Exit codes: 0 every pod reached its end, 1 a deadlock or a failure, 2 usage, 130 interrupted.";

/// The arguments of `oncue rehearse`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct Rehearse {
    #[command(flatten)]
    files: Files,

    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: Namespace,

    /// How many nodes there are
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    nodes: u32,

    /// Pod or workload whose containers fail
    #[arg(long, value_name = "NAME")]
    fail: Vec<String>,

    /// Pod or workload whose own containers never start, as if its image could not be pulled
    #[arg(long, value_name = "NAME")]
    hold: Vec<String>,

    /// Host or object outside of the files that is there: redis.example.com, job:migrate,
    /// certificates.cert-manager.io:web=Ready
    #[arg(long, value_name = "WHAT")]
    assume: Vec<Assumption>,

    /// How many times faster than in reality time runs
    #[arg(long, value_name = "N", default_value = "1")]
    speed: Speed,

    /// Print what the clients print, too
    #[arg(short, long)]
    verbose: bool,

    /// How to print the summary; JSON comes without a timeline
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Rehearse {
    /// Plays the files and prints what happens, then the summary.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let manifests = files::read(&self.files.inputs)?;
        let rehearsal = Rehearsal {
            objects: manifests
                .documents()
                .map(|document| (document.file(), document.object()))
                .collect(),
            namespace: &self.namespace,
            directions: Directions {
                nodes: self.nodes,
                fail: self.fail.iter().cloned().collect(),
                hold: self.hold.iter().cloned().collect(),
                assumptions: self.assume.clone(),
            },
            speed: self.speed,
        };
        let mut timeline = Timeline::new(anstream::stdout(), self.detail());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.context("failed to start the runtime")?;
        match runtime.block_on(rehearsal.play(&mut timeline)) {
            Ok(Some(report)) => self.conclude(&report),
            Ok(None) => Ok(ExitCode::from(INTERRUPTED)),
            Err(RehearsalError::Directions(error)) => Err(usage(&error.to_string()).into()),
            Err(error) => Err(error.into()),
        }
    }

    fn detail(&self) -> Detail {
        match (self.output, self.verbose) {
            (Format::Json, _) => Detail::Nothing,
            (Format::Text, false) => Detail::Events,
            (Format::Text, true) => Detail::Output,
        }
    }

    fn conclude(&self, report: &Report) -> anyhow::Result<ExitCode> {
        match self.output {
            Format::Json => output::print_json(&serde_json::to_value(report)?)?,
            Format::Text => {
                let table = output::table(&report.table())?;
                output::print(&format!("\n{table}\n{report}"))?;
            }
        }
        Ok(if report.has_passed() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn usage(message: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{message}\n"))
}

/// As a shell says of a process that SIGINT ended.
const INTERRUPTED: u8 = 130;
