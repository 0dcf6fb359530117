//! Who waits, as the store answers it.

use oncue_client::api::{ApiError, Judged, WaitRequest};
use serde::Deserialize;
use serde_json::Value as Json;

use super::server::Store;
use crate::language::Namespace;

/// One who waits.
#[derive(Debug, Deserialize)]
pub(super) struct Waiter {
    /// The pod's name, where it is one.
    pub(super) pod: Option<String>,
    /// Where it lives.
    pub(super) namespace: String,
    /// Since when, in RFC 3339.
    pub(super) since: String,
    /// For what.
    pub(super) terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    waiters: Vec<Waiter>,
}

/// Reads the store's answer to who waits.
pub(super) fn read(answer: &Json) -> anyhow::Result<Vec<Waiter>> {
    let Answer { waiters } = Answer::deserialize(answer)?;
    Ok(waiters)
}

/// Asks how each of the terms stands now.
pub(super) fn judge(
    store: &Store,
    namespace: &Namespace,
    terms: Vec<String>,
) -> Result<Vec<Judged>, ApiError> {
    let request = WaitRequest {
        terms,
        ..WaitRequest::default()
    };
    Ok(store.api.wait(namespace, &request)?.terms)
}
