//! `oncue completion` and `oncue manual`: what shells and `man` know of the command line, from the
//! same definitions as `--help`.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use super::output;

/// The arguments of `oncue completion`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  oncue completion bash > /etc/bash_completion.d/oncue
  source <(oncue completion zsh)
  oncue completion fish > ~/.config/fish/completions/oncue.fish")]
pub(super) struct Completion {
    /// Shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completion {
    /// Prints the script for the shell.
    pub(super) fn run(&self, mut command: Command) -> anyhow::Result<ExitCode> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        output::print_as_it_is(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The arguments of `oncue manual`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  oncue manual /usr/local/share/man/man1")]
pub(super) struct Manual {
    /// Folder for the pages, one for each command
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Manual {
    /// Writes the pages.
    pub(super) fn run(&self, command: Command) -> anyhow::Result<ExitCode> {
        let folder = &self.folder;
        fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder))
            .with_context(|| format!("failed to write the pages to {}", folder.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
