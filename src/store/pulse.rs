//! Whether what runs by itself still runs.

use tokio::sync::watch;

/// Owned by what runs, and gone with it, however it ends.
#[derive(Debug)]
pub(super) struct Pulse {
    _beats: watch::Sender<()>,
}

/// Feels a [`Pulse`], and keeps nothing alive.
#[derive(Clone, Debug)]
pub(super) struct Vigil(watch::Receiver<()>);

impl Pulse {
    pub(super) fn new() -> (Self, Vigil) {
        let (beats, felt) = watch::channel(());
        (Self { _beats: beats }, Vigil(felt))
    }
}

impl Vigil {
    /// Waits for the end.
    pub(super) async fn ended(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
