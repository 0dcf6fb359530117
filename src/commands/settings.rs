//! The settings of injection.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{cluster::Cluster, output};
use crate::{
    config::{Config, InjectSettings, ServeSettings, file},
    injection::{self, Settings},
};

/// The settings of injection.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Injection")]
pub(super) struct InjectionArgs {
    /// Configuration file of `oncue serve`; only its section `inject` is used
    #[arg(long, env = "ONCUE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Whether a controller runs [default: that of the cluster if its settings are used, else
    /// present]
    #[arg(long, value_enum, value_name = "WHETHER")]
    controller: Option<Controller>,

    #[command(flatten)]
    inject: InjectSettings,
}

/// Whether a controller runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Controller {
    /// No controller runs; features that need one are rejected.
    Absent,
    /// A controller runs.
    Present,
}

impl InjectionArgs {
    /// Returns the settings, as the webhook would have them: flags come before the file, and the
    /// file before those of the cluster.
    pub(super) fn settings(&self, cluster: Option<&Cluster>) -> anyhow::Result<Settings> {
        let Self {
            config,
            controller,
            inject,
        } = self;
        let configured = match config {
            Some(path) => file::read(path)?,
            None => ServeSettings::default(),
        };
        let configured = Config::resolve(configured)?;
        let below = match (config, cluster) {
            (None, Some(cluster)) => of(cluster),
            _ => configured.inject,
        };
        let settings = inject.clone().over(below).resolve(configured.http)?;
        Ok(Settings {
            controller: match (controller, cluster) {
                (Some(Controller::Absent), _) => injection::Controller::Absent,
                (None, Some(_)) => settings.controller,
                (Some(Controller::Present), _) | (None, None) => injection::Controller::Present,
            },
            ..settings
        })
    }
}

/// Returns what the webhook in a cluster injects; where that is not known, the defaults.
fn of(cluster: &Cluster) -> InjectSettings {
    cluster.inject_settings().unwrap_or_else(|error| {
        output::note(&format!("{error}; the default settings are used"));
        InjectSettings::default()
    })
}
