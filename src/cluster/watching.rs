//! What all watches share.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, StreamExt};
use kube::{
    core::Status,
    runtime::watcher::{self, Event},
};
use tokio::time::{Instant, timeout_at};

/// What a watch shows, for ever.
pub(crate) type WatchEvents<K> = Pin<Box<dyn Stream<Item = watcher::Result<Event<K>>> + Send>>;

/// A watch that can be begun anew, and that notices when its connection may be dead.
pub(crate) struct Watching<K> {
    open: Box<dyn Fn() -> WatchEvents<K> + Send>,
    events: WatchEvents<K>,
    /// When silence means that the connection is dead.
    deadline: Instant,
}

impl<K> Watching<K> {
    /// Begins a watch.
    pub(crate) fn of(open: impl Fn() -> WatchEvents<K> + Send + 'static) -> Self {
        Self {
            events: open(),
            open: Box::new(open),
            deadline: Instant::now() + LONGEST_LIST,
        }
    }

    /// Waits for what comes next; `None` after too long a silence. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> Option<watcher::Result<Event<K>>> {
        let next = timeout_at(self.deadline, self.events.next()).await;
        let next = next.ok().flatten()?;
        let longest = match &next {
            Ok(Event::Apply(_) | Event::Delete(_) | Event::InitDone) => LONGEST_SILENCE,
            Ok(Event::Init | Event::InitApply(_)) | Err(_) => LONGEST_LIST,
        };
        self.deadline = Instant::now() + longest;
        Some(next)
    }

    /// Goes on after a pause, which does not count as silence.
    pub(crate) fn resume(&mut self) {
        self.deadline = Instant::now() + LONGEST_LIST;
    }

    /// Lists everything again.
    pub(crate) fn begin_anew(&mut self) {
        self.events = (self.open)();
        self.resume();
    }
}

/// How long one watch lasts. If its connection dies without a word, what it shows is that old at most,
/// and the time of a new connection.
pub(crate) const WATCH_SECONDS: u32 = 30;

/// How long a page of a list may take.
const LONGEST_LIST: Duration = Duration::from_mins(1);

/// How long a watch may be silent before it lists again, in case its connection is dead.
const LONGEST_SILENCE: Duration = Duration::from_mins(10);

/// Returns what the API server answered to a watch that failed, if it did.
pub(crate) fn watch_status(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// Returns the words of the API server, or else the whole error. Errors of a watch print what caused
/// them, so their causes are not printed once more.
pub(crate) fn watch_error_text(error: &watcher::Error) -> String {
    watch_status(error).map_or_else(|| error.to_string(), |status| status.message.clone())
}

/// Returns how long the API server asks to be left alone, at most a minute.
pub(crate) fn watch_retry_after(error: &watcher::Error) -> Option<Duration> {
    let seconds = watch_status(error)?.details.as_ref()?.retry_after_seconds;
    Some(Duration::from_secs(u64::from(seconds).min(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_once_in_the_words_of_the_api_server() {
        let refusal = Status::failure("secrets is forbidden", "Forbidden").with_code(403);
        let error = watcher::Error::InitialListFailed(kube::Error::Api(Box::new(refusal)));
        assert_eq!(watch_error_text(&error), "secrets is forbidden");
        assert!(!watch_error_text(&watcher::Error::NoResourceVersion).is_empty());
    }
}
