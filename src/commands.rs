//! The command line: one file a command.
//!
//! Every command is a `clap` struct of arguments with a method `run`, which returns how the process
//! exits, or an error that is printed as it is.

mod assume;
mod backend;
mod check;
mod cluster;
mod completion;
mod convert;
mod explain;
mod file_args;
mod files;
mod graph;
mod inject;
mod installation;
mod live_name;
mod object;
mod opening;
mod output;
mod permissions;
mod rehearse;
mod release;
mod report;
mod schema;
mod serve;
mod server;
mod settings;
mod signal_manifests;
mod signals;
mod status;
mod suggest;
mod vars;

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use crate::rehearsal;

/// Pods start on cue: annotate what they depend on and what they signal.
#[derive(Debug, Parser)]
#[command(name = "oncue", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Find mistakes in the annotations in files.
    Check(Box<check::Check>),
    /// Print a completion script for a shell.
    Completion(completion::Completion),
    /// Replace init containers that wait with annotations.
    Convert(Box<convert::Convert>),
    /// Show what one pod waits for, what it signals, and what is injected.
    Explain(Box<explain::Explain>),
    /// Draw producers and consumers, from files or from a cluster.
    Graph(Box<graph::Graph>),
    /// Print manifests as the webhook would change them.
    Inject(Box<inject::Inject>),
    /// Write man pages.
    Manual(completion::Manual),
    /// Simulate the pods of files and show which pod waited for which.
    Rehearse(Box<rehearse::Rehearse>),
    /// Let waiting pods start although their dependencies do not hold.
    Release(Box<release::Release>),
    /// Print the JSON Schema of the annotations, for editors.
    Schema(schema::Schema),
    /// Run the webhook and the store.
    Serve(Box<serve::Serve>),
    /// List waiting pods, what they wait for, since when, and their producers; or injected pods.
    Status(Box<status::Status>),
    /// List Services that pods mention, with annotations that would wait for them.
    Suggest(Box<suggest::Suggest>),
    /// List, show, create, delete and watch variables.
    Vars(vars::Vars),
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(check) => check.run(),
            Self::Completion(completion) => completion.run(Cli::command()),
            Self::Convert(convert) => convert.run(),
            Self::Explain(explain) => explain.run(),
            Self::Graph(graph) => graph.run(),
            Self::Inject(inject) => inject.run(),
            Self::Manual(manual) => manual.run(Cli::command()),
            Self::Rehearse(rehearse) => rehearse.run(),
            Self::Release(release) => release.run(),
            Self::Schema(schema) => schema.run(),
            Self::Serve(serve) => serve.run(),
            Self::Status(status) => status.run(),
            Self::Suggest(suggest) => suggest.run(),
            Self::Vars(vars) => vars.run(),
        }
    }
}

/// Runs the command line `args`, the first of which is the name we were called by: as
/// `oncue-client` this is the client.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if called_as(&args) == Some("oncue-client") {
        return rehearsal::run_client(args.into_iter().skip(1));
    }
    let command = match parse(&args) {
        Ok(cli) => cli.command,
        Err(error) => error.exit(),
    };
    command.run().unwrap_or_else(|error| fail(&error))
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if called_as(args) == Some("kubectl-oncue") {
        command = command.bin_name("kubectl oncue");
    }
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

fn called_as(args: &[OsString]) -> Option<&str> {
    Path::new(args.first()?).file_stem()?.to_str()
}

/// Says that something was asked in a wrong way, which has an exit code of its own.
fn usage(error: impl Into<anyhow::Error>) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{:#}\n", error.into()))
}

/// Prints an error and all its causes, and returns the exit code it deserves.
fn fail(error: &anyhow::Error) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        usage.exit();
    }
    anstream::eprintln!("error: {}", output::printable(format_args!("{error:#}")));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(name: &str) -> String {
        let args = [OsString::from(name), OsString::from("--help")];
        parse(&args).unwrap_err().to_string()
    }

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_setting_is_a_usage_error_that_tells_its_causes_once() {
        let cause = std::io::Error::other("the cause");
        let error = usage(anyhow::Error::from(cause).context("what was attempted"));
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert_eq!(text, "error: what was attempted: the cause\n");
    }

    #[test]
    fn names_itself_oncue() {
        assert!(help("/usr/bin/oncue").contains("Usage: oncue <COMMAND>"));
    }

    #[test]
    fn names_itself_as_kubectl_calls_it() {
        assert!(help("/usr/bin/kubectl-oncue").contains("Usage: kubectl oncue <COMMAND>"));
    }
}
