//! What this process is called among others.

use std::env;

/// Returns the name of the host, which is that of the pod in a cluster.
pub(crate) fn name() -> String {
    let host = env::var("HOSTNAME").ok().filter(|it| !it.is_empty());
    host.unwrap_or_else(|| "oncue".to_owned())
}
