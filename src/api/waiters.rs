//! The list of waiters.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::Namespace;
use oncue_wire::WaiterList;

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
    let (revision, mut waiters) = api.store().waiters(namespace);
    waiters.sort_by(|a, b| (a.who.since, &a.who.pod).cmp(&(b.who.since, &b.who.pod)));
    let list = WaiterList {
        revision: revision.to_string(),
        waiters: waiters.iter().map(documents::waiter).collect(),
    };
    answer::json(StatusCode::OK, &list)
}
