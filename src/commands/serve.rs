//! `oncue serve`: all roles in one process.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use tracing::info;

use super::usage;
use crate::{
    config::{Config, ServeSettings, file},
    serve::{self, ServeError, logging},
};

/// The arguments of `oncue serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// YAML or JSON file with settings; its keys are the names of the flags
    #[arg(long, env = "ONCUE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    settings: ServeSettings,
}

impl Serve {
    /// Serves until SIGTERM or SIGINT.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = match &self.config {
            Some(path) => self.settings.over(file::read(path).map_err(usage)?),
            None => self.settings,
        };
        logging::init(settings.log(), settings.log_format()).map_err(usage)?;
        let limit = settings.find_memory_limit();
        info!(%limit, "budgeted the memory");
        let config = Config::resolve(settings).and_then(Config::for_serving);
        let config = config.map_err(usage)?;
        match serve::run(config) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(ServeError::Inject(error)) => Err(usage(error).into()),
            Err(error) => Err(error.into()),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  oncue serve                                   webhook and store, on loopback
  oncue serve --store memory --roles store      a store that keeps nothing on disk
  oncue serve --config oncue.yaml --log-format json

oncue.yaml:
  data: /var/lib/oncue
  webhook: '[::]:10250'
  inject: {image: 'registry.example/oncue-client:1', store-url: 'http://oncue-store:9999'}";
