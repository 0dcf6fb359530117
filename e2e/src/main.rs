//! Creates the cluster for the end-to-end tests, runs them, and shows a demo.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use e2e::{
    cluster::Cluster,
    demo,
    figures::{self, Figure},
    logs, suite, tools,
    up::{Wanted, up},
};

/// End-to-end tests of oncue on kind. `ONCUE_E2E_CLUSTER` names the cluster (default: oncue-e2e).
/// ~/.kube/config stays unchanged. You can repeat every command.
#[derive(Debug, Parser)]
#[command(name = "e2e")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows on the cluster how the pods of examples/first-second wait
    Demo,
    /// Removes the cluster
    Down,
    /// Measures the cost of oncue on the cluster
    Figures {
        /// Measures only these
        figures: Vec<Figure>,
    },
    /// Collects the logs of nodes, pods and oncue in a folder
    Logs {
        /// Folder for the logs [default: a folder in the cache]
        folder: Option<PathBuf>,
    },
    /// Runs the tests, and creates the cluster if necessary
    Test {
        #[command(flatten)]
        wanted: Wanted,
        /// Runs only tests whose names contain one of these
        filters: Vec<String>,
    },
    /// Creates or reuses the cluster, builds and loads the images, installs the chart
    Up(Wanted),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run(Arguments::parse().command)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("e2e: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let cluster = Cluster::from_env();
    match command {
        Command::Demo => {
            up(&cluster, Wanted::default()).await?;
            Box::pin(demo::demo(&cluster)).await
        }
        Command::Down => {
            tools::demand_tools()?;
            cluster.remove().await
        }
        Command::Figures { figures } => {
            up(&cluster, Wanted::default()).await?;
            Box::pin(figures::print(&figures)).await
        }
        Command::Logs { folder } => logs::collect(&cluster, folder).await,
        Command::Test { wanted, filters } => {
            up(&cluster, wanted).await?;
            suite::run(&cluster, &filters).await
        }
        Command::Up(wanted) => up(&cluster, wanted).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
