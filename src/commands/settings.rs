//! The settings of injection.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{cluster::Cluster, output};
use crate::{
    cluster::Configuration,
    config::{Config, InjectSettings, ServeSettings, file},
    cross_namespace::Policy,
    injection::{self, Settings},
};

/// The settings of injection.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Injection")]
pub(super) struct InjectionArgs {
    /// Configuration file of `oncue serve`; only `inject`, `cross-namespace`
    /// and `readable-by-all` of it are used
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
    /// Returns the settings, as the webhook would have them, and the rules for terms about other
    /// namespaces: flags come before the file, and the file before the configuration of the cluster.
    pub(super) fn read(&self, cluster: Option<&Cluster>) -> anyhow::Result<(Settings, Policy)> {
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
        let origin = configured.store_origin(configured.http);
        let Configuration {
            inject: below,
            cross_namespace,
            readable_by_all,
        } = match (config, cluster) {
            (None, Some(cluster)) => of(cluster),
            _ => Configuration {
                inject: configured.inject,
                cross_namespace: Some(configured.cross_namespace),
                readable_by_all: configured.readable_by_all,
            },
        };
        let settings = inject.clone().over(below).resolve(origin)?;
        let cross_namespace = cross_namespace.unwrap_or_default();
        let policy = Policy::new(cross_namespace, readable_by_all, &settings.keys);
        let settings = Settings {
            controller: match (controller, cluster) {
                (Some(Controller::Absent), _) => injection::Controller::Absent,
                (None, Some(_)) => settings.controller,
                (Some(Controller::Present), _) | (None, None) => injection::Controller::Present,
            },
            ..settings
        };
        Ok((settings, policy))
    }
}

/// Returns how oncue is configured in a cluster; where that is not known, the defaults.
fn of(cluster: &Cluster) -> Configuration {
    cluster.configuration().unwrap_or_else(|error| {
        output::note(&format!("{error}; the default settings are used"));
        Configuration::default()
    })
}
