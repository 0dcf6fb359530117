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
        None => EnvFilter::try_from_default_env().or_else(|_| parse("info"))?,
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
    EnvFilter::try_new(format!("{NOT_LOGGED},{filter}")).map_err(|error| LogError {
        filter: filter.to_owned(),
        reason: error.to_string(),
    })
}

/// What is not logged unless `filter` names it: kube tells every failure of a watch that it returns to
/// us, and h2 warns of each connection that misbehaves, so that a neighbour could fill the log.
const NOT_LOGGED: &str = "kube_runtime::watcher=off,h2=error";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_cause_or_we_tell_is_left_out_unless_the_filter_names_it() {
        let filter = parse("info,oncue=debug").unwrap().to_string();
        for directive in [
            "kube_runtime::watcher=off",
            "h2=error",
            "oncue=debug",
            "info",
        ] {
            assert!(filter.contains(directive), "{directive} in {filter}");
        }
        let filter = parse("info,kube_runtime::watcher=debug").unwrap();
        let filter = filter.to_string();
        assert!(!filter.contains("off"), "{filter}");
    }

    #[test]
    fn an_error_shows_the_filter_as_it_was_written() {
        let error = parse("oncue=loud").unwrap_err().to_string();
        assert!(error.starts_with("--log: \"oncue=loud\" "), "{error}");
    }
}
