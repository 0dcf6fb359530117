//! The list of waiters.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::Namespace;
use oncue_wire::{WaiterList, limits::MAX_PAGE};

use super::{
    Api, answer, documents,
    path::InNamespace,
    query::{NoParameters, Parameters},
};
pub(super) async fn list_all(State(api): State<Api>, _: Parameters<NoParameters>) -> Response {
    answer_list(&api, None)
}

pub(super) async fn list(
    State(api): State<Api>,
    InNamespace(namespace): InNamespace,
    _: Parameters<NoParameters>,
) -> Response {
    answer_list(&api, Some(&namespace))
}

/// The longest waiting comes first.
fn answer_list(api: &Api, namespace: Option<&Namespace>) -> Response {
    let mut waiters = Vec::new();
    let mut position = None;
    loop {
        let page = api.store().waiters(namespace, MAX_PAGE, position);
        waiters.extend(page.waiters.iter().map(documents::waiter));
        position = page.next;
        if position.is_none() {
            let list = WaiterList {
                revision: page.revision.to_string(),
                waiters,
            };
            return answer::json(StatusCode::OK, &list);
        }
    }
}
