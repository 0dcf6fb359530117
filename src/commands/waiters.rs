//! The waiters that a store holds.

use oncue_client::api::ApiError;
use oncue_wire::{JudgedTerm, WaitRequest, Waiter, WaiterList};
use serde::Deserialize;
use serde_json::Value as Json;

use super::server::Store;
use crate::language::Namespace;

/// Reads the store's list of waiters.
pub(super) fn read(answer: &Json) -> anyhow::Result<Vec<Waiter>> {
    Ok(WaiterList::deserialize(answer)?.waiters)
}

/// Asks how each of the terms stands now.
pub(super) fn judge(
    store: &Store,
    namespace: &Namespace,
    terms: Vec<String>,
) -> Result<Vec<JudgedTerm>, ApiError> {
    let request = WaitRequest {
        terms,
        ..WaitRequest::default()
    };
    Ok(store.api.wait(namespace, &request)?.terms)
}
