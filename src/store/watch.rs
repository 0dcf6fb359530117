//! The stream of all changes.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use super::WatchError;
use crate::world::{Change, Revision, Scope, Variable};

/// All variables that were asked for, at one revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The revision.
    pub revision: Revision,
    /// The variables, in the order of their keys.
    pub variables: Vec<Arc<Variable>>,
}

/// The present state, and then every change to it.
#[derive(Debug)]
pub struct Watch {
    /// What there was when the watch began.
    pub listing: Listing,
    pub(crate) scope: Scope,
    pub(crate) changes: broadcast::Receiver<Change>,
}

impl Watch {
    /// Waits for the next change.
    ///
    /// # Errors
    /// [`WatchError`] if the watch must begin again. Cancelling loses nothing.
    pub async fn next(&mut self) -> Result<Change, WatchError> {
        loop {
            match self.changes.recv().await {
                Ok(change) if self.scope.contains(&change.variable) => return Ok(change),
                Ok(_) => {}
                Err(RecvError::Closed) => return Err(WatchError::Closed),
                Err(RecvError::Lagged(missed)) => return Err(WatchError::Slow { missed }),
            }
        }
    }
}
