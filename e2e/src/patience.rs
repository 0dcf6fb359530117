//! Time limits for the cluster.

use std::time::Duration;

/// How long anything on it may take. It judges nothing, since oncue's own figures are printed by
/// `figures`: it is there so that what never comes is told. On two cores and a disk that others
/// use too, a node that is restarted has taken more than two minutes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// A tool gives up this much earlier than the process that waits for it, so that its own error
/// message is printed.
const FOR_LAST_WORDS: Duration = Duration::from_secs(20);

/// Returns this limit as a flag of kubectl and helm.
pub(crate) fn timeout_flag() -> String {
    let patience = PATIENCE.saturating_sub(FOR_LAST_WORDS);
    format!("--timeout={}s", patience.as_secs())
}
