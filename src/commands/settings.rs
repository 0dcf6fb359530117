//! With which settings pods are injected.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    config::{Config, InjectSettings, ServeSettings, file},
    injection::{self, Settings},
};

/// With which settings pods are injected.
#[derive(Args, Clone, Debug)]
pub(super) struct InjectionArgs {
    /// Configuration file of `oncue serve`, whose section `inject` is used
    #[arg(long, env = "ONCUE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Whether a controller runs that keeps signals true
    #[arg(long, value_enum, value_name = "WHETHER", default_value_t)]
    controller: Controller,

    #[command(flatten)]
    inject: InjectSettings,
}

/// Whether a controller runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Controller {
    /// None does: what needs one is refused.
    Absent,
    /// One does.
    #[default]
    Present,
}

impl InjectionArgs {
    /// Returns the settings, as the webhook would have them.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let Self {
            config,
            controller,
            inject,
        } = self;
        let configured = match config {
            Some(path) => file::read(path)?,
            None => ServeSettings::default(),
        };
        let configured = Config::resolve(configured);
        let inject = inject.clone().over(configured.inject);
        Ok(Settings {
            controller: match controller {
                Controller::Absent => injection::Controller::Absent,
                Controller::Present => injection::Controller::Present,
            },
            ..inject.resolve(configured.http)?
        })
    }
}
