//! A reviewed token, until it ends.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use oncue_core::access::{Identity, PodIdentity};
use tokio::sync::Notify;

use super::reviewed::Reviewed;
use crate::language::{Owner, Timestamp};

/// A token that the API server has accepted. It ends when the token expires, and when it is
/// forgotten, as when its pod is deleted: what it opened ends with it.
#[derive(Debug)]
pub struct Session {
    /// Who has the token.
    pub identity: Identity,
    /// The id of the token in the API server's own audit log.
    pub credential: Option<Box<str>>,
    expires: Timestamp,
    reviewed: Timestamp,
    is_ended: AtomicBool,
    end: Notify,
}

impl Session {
    pub(super) fn new(
        Reviewed {
            identity,
            credential,
        }: Reviewed,
        (reviewed, expires): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            identity,
            credential,
            expires,
            reviewed,
            is_ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// Returns the pod, if it is one.
    pub fn pod(&self) -> Option<&Owner> {
        match &self.identity {
            Identity::Pod(PodIdentity { pod, .. }) => Some(pod),
            _ => None,
        }
    }

    /// Returns until when it is known to be valid. Only of a watched pod is it known that it still
    /// exists; any other is reviewed again.
    pub fn valid_until(&self, is_watched: bool) -> Timestamp {
        if is_watched {
            self.expires
        } else {
            self.expires.min(self.reviewed + UNWATCHED)
        }
    }

    /// Waits until it has been forgotten.
    pub async fn ended(&self) {
        let end = self.end.notified();
        let mut end = std::pin::pin!(end);
        // What notifies between the look at the flag and the wait is not missed.
        end.as_mut().enable();
        if !self.is_ended.load(Ordering::Acquire) {
            end.await;
        }
    }

    pub(super) fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }

    /// Returns about how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let text = match &self.identity {
            Identity::Account { user } | Identity::Operator { user } => user.len(),
            Identity::Anonymous => 0,
            Identity::Pod(PodIdentity { pod, node, account }) => {
                let Owner {
                    namespace,
                    name,
                    uid,
                    kind: _,
                } = pod;
                let node = node.as_ref().map_or(0, |it| it.len());
                // The uid is kept once more, to find the sessions of a pod.
                namespace.as_str().len() + name.len() + 2 * uid.len() + node + account.len()
            }
        };
        size_of::<Self>() + text + self.credential.as_ref().map_or(0, |it| it.len())
    }
}

/// After how long a token is reviewed again if nobody would see that its pod is deleted.
const UNWATCHED: Duration = Duration::from_mins(5);
