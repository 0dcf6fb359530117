//! Why objects cannot be watched.

use kube::{core::Status, runtime::watcher};

/// Why objects cannot be watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum WatchFailure {
    /// A permission is missing.
    Forbidden,
    /// The cluster has no such kind.
    NoSuchKind,
    /// Anything else, which is expected to pass.
    Passing,
    /// The objects live in no namespace, and may not be asked for.
    Unnamespaced,
    /// The API server serves the kind, and lets nobody watch it.
    Unwatchable,
}

impl WatchFailure {
    /// Returns why a watch failed.
    pub(crate) fn of(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::of_request(error),
            watcher::Error::WatchError(status) => Self::of_status(status),
            watcher::Error::NoResourceVersion => Self::Passing,
        }
    }

    /// Returns why a request failed.
    pub(crate) fn of_request(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status),
            kube::Error::Discovery(_) => Self::NoSuchKind,
            _ => Self::Passing,
        }
    }

    fn of_status(status: &Status) -> Self {
        match status.code {
            403 => Self::Forbidden,
            404 => Self::NoSuchKind,
            _ => Self::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_403_is_a_missing_permission() {
        let refusal = Status::failure("secrets is forbidden", "Forbidden").with_code(403);
        let error = watcher::Error::InitialListFailed(kube::Error::Api(Box::new(refusal)));
        assert_eq!(WatchFailure::of(&error), WatchFailure::Forbidden);
    }
}
