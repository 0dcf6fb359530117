//! Whether a task or thread still runs.

use tokio::sync::watch;

/// Owned by a task or thread, and dropped with it however it ends.
#[derive(Debug)]
pub(super) struct Pulse {
    _beats: watch::Sender<()>,
}

/// Observes a [`Pulse`] without keeping it alive.
#[derive(Clone, Debug)]
pub(super) struct Vigil(watch::Receiver<()>);

impl Pulse {
    pub(super) fn new() -> (Self, Vigil) {
        let (beats, felt) = watch::channel(());
        (Self { _beats: beats }, Vigil(felt))
    }
}

impl Vigil {
    /// Waits until the pulse is dropped.
    pub(super) async fn ended(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
