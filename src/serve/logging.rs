//! Logs: text for people, JSON for collectors, both on the standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::LogFormat;

/// Why no log can be written.
#[derive(Debug, thiserror::Error)]
#[error("--log: {filter:?} is not a filter such as `info` or `oncue::webhook=debug`: {reason}")]
pub(crate) struct LogError {
    filter: String,
    reason: String,
}

/// Starts to log what `filter` says, else `RUST_LOG`, else everything from `info` on.
pub(crate) fn init(filter: Option<&str>, format: LogFormat) -> Result<(), LogError> {
    let filter = match filter {
        Some(filter) => parse(filter)?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Json => layer.json().boxed(),
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
    };
    // A process that already has a log keeps it.
    let _ = tracing_subscriber::registry()
        .with(layer)
        .with(filter)
        .try_init();
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(filter).map_err(|error| LogError {
        filter: filter.to_owned(),
        reason: error.to_string(),
    })
}
