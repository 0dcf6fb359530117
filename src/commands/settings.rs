//! With which settings pods are injected.

use clap::{Args, ValueEnum};

use crate::injection::{self, Image, Settings, StoreAddress};

/// With which settings pods are injected.
#[derive(Args, Clone, Debug)]
pub(super) struct InjectionArgs {
    /// Whether a controller runs that keeps signals true
    #[arg(long, value_enum, value_name = "WHETHER", default_value_t)]
    controller: Controller,
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
    /// Returns the settings.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let image = concat!("ghcr.io/oncue-dev/oncue-client:", env!("CARGO_PKG_VERSION"));
        let store = StoreAddress::new("http://127.0.0.1:9999");
        Ok(Settings {
            controller: match self.controller {
                Controller::Absent => injection::Controller::Absent,
                Controller::Present => injection::Controller::Present,
            },
            ..Settings::new(Image::new(image), store)
        })
    }
}
