//! Why objects cannot be watched.

use std::time::Duration;

use kube::{core::Status, runtime::watcher};

/// Why objects cannot be watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
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

impl Failure {
    /// Returns why a watch failed.
    pub(super) fn of(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::of_request(error),
            watcher::Error::WatchError(status) => Self::of_status(status),
            watcher::Error::NoResourceVersion => Self::Passing,
        }
    }

    /// Returns why a request failed.
    pub(super) fn of_request(error: &kube::Error) -> Self {
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

/// Returns how long the API server asks to be left alone.
pub(super) fn retry_after(error: &watcher::Error) -> Option<Duration> {
    let seconds = status(error)?.details.as_ref()?.retry_after_seconds;
    Some(Duration::from_secs(u64::from(seconds).min(60)))
}

/// Returns the words of the API server, or else the whole error. Errors of a watch print what caused
/// them, so their causes are not printed once more.
pub(super) fn text(error: &watcher::Error) -> String {
    status(error).map_or_else(|| error.to_string(), |status| status.message.clone())
}

fn status(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_once_in_the_words_of_the_api_server() {
        let refusal = Status::failure("secrets is forbidden", "Forbidden").with_code(403);
        let error = watcher::Error::InitialListFailed(kube::Error::Api(Box::new(refusal)));
        assert_eq!(text(&error), "secrets is forbidden");
        assert_eq!(Failure::of(&error), Failure::Forbidden);
        assert!(!text(&watcher::Error::NoResourceVersion).is_empty());
    }
}
