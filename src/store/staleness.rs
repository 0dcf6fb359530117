//! Whether a replica may miss what others have written.

use tokio::sync::watch;

/// Tells whether a backend is stale: whether it may miss what other replicas have written, because it
/// has not seen the cluster for a while. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Staleness(Option<watch::Receiver<bool>>);

impl Staleness {
    /// Returns that of a backend which sees everything.
    pub fn never() -> Self {
        Self(None)
    }

    /// Returns whether the backend is stale.
    pub fn is_stale(&self) -> bool {
        self.0.as_ref().is_some_and(|it| *it.borrow())
    }

    /// Waits until the backend is stale, or is not, other than `before`.
    pub async fn changes_from(&self, before: bool) {
        if let Some(receiver) = &self.0
            && receiver
                .clone()
                .wait_for(|now| *now != before)
                .await
                .is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Follows what `sender` says.
impl From<&watch::Sender<bool>> for Staleness {
    fn from(sender: &watch::Sender<bool>) -> Self {
        Self(Some(sender.subscribe()))
    }
}
