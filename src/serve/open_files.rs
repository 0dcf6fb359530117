//! The limit of open files, and how many connections it leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Raises the limit as far as the process may: many shells allow 1024, and every waiter is one.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "failed to raise the limit of open files");
    }
}

/// Returns how many files the process may have open.
pub(super) fn limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX)
}

/// Returns how many connections the store may have, given the limit of open files: the rest is for
/// the other listeners, files and connections to the cluster.
pub(super) fn for_the_store(limit: usize) -> usize {
    limit - limit / 4
}

/// Returns how many connections the webhook may have, given the limit of open files.
pub(super) fn for_the_webhook(limit: usize) -> usize {
    limit / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_leave_files_for_other_uses() {
        for limit in [64, 256, 1024, 65_536, usize::MAX] {
            let connections = for_the_store(limit) + for_the_webhook(limit);
            assert!(connections <= limit - limit / 10, "{limit}: {connections}");
        }
    }
}
