//! The states of terms, as a store judges them.

use oncue_client::api::ApiError;
use oncue_wire::{JudgedTerm, WaitRequest};

use super::server::Store;
use crate::language::{Namespace, condition::MAX_TOGETHER};

/// Asks for the state of each of the terms now, as few times as the store allows; the answers come
/// in the order of the terms.
pub(super) fn judge(
    store: &Store,
    namespace: &Namespace,
    terms: &[String],
) -> Result<Vec<JudgedTerm>, ApiError> {
    let mut judged = Vec::new();
    for together in terms.chunks(MAX_TOGETHER) {
        let request = WaitRequest {
            terms: together.to_vec(),
            ..WaitRequest::default()
        };
        judged.extend(store.api.wait(namespace, &request)?.terms);
    }
    Ok(judged)
}
