//! `oncue rehearse`: simulates the pods of a set of files.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum, error::ErrorKind};
use oncue_simulation::{Installer, Operation, Options, Order, Report};

use super::{
    assume::AssumeArgs,
    files::{self, Files},
    output::{self, Format},
    report,
    signal_manifests::SignalManifests,
};
use crate::{
    cross_namespace::{CrossNamespace, Policy},
    injection::{Image, Settings, StoreAddress},
    language::Namespace,
    lint::{Code, Finding, Linter, Severity},
    manifests::{Document, Manifests},
    model::ExistingVariable,
    rehearsal::{
        Detail, Executor, INTERRUPTED, Interrupt, RealTime, Rehearsal, RehearsalError, Speed,
        Timeline,
    },
};

const HELP: &str = "\
Examples:
  oncue rehearse -f examples/first-second
  oncue rehearse -f app/ --nodes 3 --assume redis.example.com
  oncue rehearse -f app/ --assume schema/migrated=v42
  oncue rehearse -f app/ --fail migrate
  helm template shop chart/ | oncue rehearse -f - --order helm
  oncue rehearse -f app/ --real --speed 10

The command runs the code of the webhook, of the controller and of the client, on a virtual \
clock: an hour takes no time, and the output is the same each time.
With --real, it starts a store and a webhook on loopback, sends every pod through admission over \
TLS, and runs the injected commands as processes.
The pods' own containers do not run: they start, become ready and succeed at once, or as the \
annotation oncue.dev/rehearse says: \"ready=2s run=5s fail\".
With --order, an installer applies the objects as their annotations say: Helm's hooks by weight, \
or the phases and waves of Argo CD. It goes on when it would in a cluster, deletes hooks that \
are to be deleted on success, and gives up when one fails.
With --upgrade, an upgrade follows once everything is ready: hooks run again, and the pods of \
Deployments, StatefulSets, DaemonSets and custom kinds are replaced.
Terms on custom kinds, and on fields that the simulation does not set, never hold. The output \
names them as \"not played\", and --assume makes them hold.
Exit codes: 0 every pod reached its end, 1 a deadlock or a failure, 2 wrong usage, \
130 interrupted.";

/// The arguments of `oncue rehearse`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Rehearse {
    #[command(flatten)]
    files: Files,

    /// Namespace of objects without one
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: Namespace,

    /// Number of nodes
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    nodes: u32,

    /// Pod or workload whose containers fail
    #[arg(long, value_name = "NAME")]
    fail: Vec<String>,

    /// Pod or workload whose own containers never start, as if its image could not be pulled
    #[arg(long, value_name = "NAME")]
    hold: Vec<String>,

    #[command(flatten)]
    assumptions: AssumeArgs,

    #[command(flatten)]
    order: OrderArgs,

    /// Run the real store, webhook and clients, with sockets and processes, in real time
    #[arg(long)]
    real: bool,

    /// Speed of the clock compared with real time, with --real
    #[arg(long, value_name = "N", default_value = "1", requires = "real")]
    speed: Speed,

    /// Also print the clients' output
    #[arg(short, long)]
    verbose: bool,

    /// Format of the summary; JSON omits the timeline
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The order in which an installer applies the objects.
#[derive(Args, Clone, Copy, Debug)]
struct OrderArgs {
    /// Installer whose hooks, weights and waves are played [default: everything is applied at once]
    #[arg(long, value_enum, value_name = "INSTALLER")]
    order: Option<InstallerArg>,

    /// Play an upgrade after the installation
    #[arg(long, requires = "order")]
    upgrade: bool,

    /// Run the hooks after an installation once everything else is ready, as helm --wait does
    #[arg(long, requires = "order")]
    wait: bool,
}

impl OrderArgs {
    /// Returns the order, if one is asked for.
    fn resolve(self) -> Option<Order> {
        let installer = match self.order? {
            InstallerArg::Argo => Installer::Argo,
            InstallerArg::Helm => Installer::Helm,
        };
        Some(Order {
            installer,
            operation: if self.upgrade {
                Operation::Upgrade
            } else {
                Operation::Install
            },
            waits: self.wait,
        })
    }
}

/// An installer, as a flag names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum InstallerArg {
    /// Argo CD: phases and sync waves.
    Argo,
    /// Helm: hooks and weights.
    Helm,
}

impl Rehearse {
    /// Simulates the pods and prints what happens, then the summary.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let interrupt = Interrupt::install().context("failed to handle signals")?;
        let manifests = files::read(&self.files.inputs)?;
        let objects = manifests.documents().map(Document::object);
        let signals = SignalManifests::read(objects, &self.namespace);
        let findings = [signals.findings, self.forbidden(&manifests)].concat();
        let findings = report::locate(&manifests, findings);
        anstream::eprint!("{}", report::text(&findings));
        if report::count(&findings, Severity::Error) > 0 {
            return Ok(ExitCode::FAILURE);
        }
        let rehearsal = Rehearsal {
            objects: manifests
                .documents()
                .map(|document| (document.file(), document.object()))
                .collect(),
            namespace: &self.namespace,
            options: self.options(signals.existing),
            executor: self.executor(interrupt),
        };
        let mut timeline = Timeline::new(anstream::stdout(), self.detail());
        match rehearsal.run(&mut timeline) {
            Ok(Some(report)) => self.conclude(&report),
            Ok(None) => Ok(ExitCode::from(INTERRUPTED)),
            Err(RehearsalError::UnknownName(error)) => Err(usage(&error.to_string()).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Finds the terms that another namespace must permit: here, they hold in any case.
    fn forbidden(&self, manifests: &Manifests) -> Vec<Finding> {
        let settings = Settings::new(Image::new(""), StoreAddress::new(""));
        let linter = Linter {
            settings: &settings,
            namespace: &self.namespace,
            existing: &[],
            assumptions: &self.assumptions.assume,
            policy: Some(&Policy::new(CrossNamespace::Open, [], &settings.keys)),
        };
        let objects: Vec<_> = manifests.documents().map(Document::object).collect();
        let mut findings = linter.lint(&objects);
        findings.retain(|it| it.code == Code::Forbidden);
        findings
    }

    fn options(&self, mut existing: Vec<ExistingVariable>) -> Options {
        existing.extend(self.assumptions.variables(&self.namespace));
        Options {
            nodes: self.nodes,
            fail: self.fail.iter().cloned().collect(),
            hold: self.hold.iter().cloned().collect(),
            assumptions: self.assumptions.assume.clone(),
            existing,
            order: self.order.resolve(),
        }
    }

    fn executor(&self, interrupt: Interrupt) -> Executor {
        let speed = self.speed;
        if self.real {
            Executor::Real(RealTime { speed, interrupt })
        } else {
            Executor::Virtual
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
