//! Makes the cluster for the end-to-end tests, runs them, and shows what the product does.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use e2e::{cluster::Cluster, demo, figures, logs, suite, tools, up};

/// End-to-end tests of oncue on kind. The cluster is called `oncue-e2e`, or as `ONCUE_E2E_CLUSTER`
/// says; ~/.kube/config is never touched. Every command can be repeated.
#[derive(Debug, Parser)]
#[command(name = "e2e")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows on the cluster how the second pod of examples/first-second waits for the first
    Demo,
    /// Removes the cluster
    Down,
    /// Measures on the cluster what oncue costs, and prints the figures
    Figures,
    /// Collects what the nodes, the pods and oncue say into a folder
    Logs {
        /// Where to; a folder in the cache by default
        folder: Option<PathBuf>,
    },
    /// Runs the tests, on the cluster that is there or is made
    Test {
        /// Runs the tests alone whose names contain one of these
        filters: Vec<String>,
    },
    /// Makes or reuses the cluster, builds and loads the images, installs the chart
    Up {
        /// How many nodes, the control plane among them; 3 by default
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
        nodes: Option<u32>,
    },
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
            up::up(&cluster, None).await?;
            Box::pin(demo::demo(&cluster)).await
        }
        Command::Down => {
            tools::demand_tools()?;
            cluster.remove().await
        }
        Command::Figures => {
            up::up(&cluster, None).await?;
            Box::pin(figures::print()).await
        }
        Command::Logs { folder } => logs::collect(&cluster, folder).await,
        Command::Test { filters } => {
            up::up(&cluster, None).await?;
            suite::run(&filters).await
        }
        Command::Up { nodes } => up::up(&cluster, nodes).await,
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
