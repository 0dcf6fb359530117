//! Who waits for what, and since when.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_language::{Condition, Namespace};
use serde::Serialize;

use super::{
    Api, answer,
    documents::printed,
    path::InNamespace,
    query::{NoParameters, Parameters},
};
use crate::{
    life::Timestamp,
    store::{Revision, WaiterInfo},
};

/// The waiters that were asked for.
#[derive(Debug, Serialize)]
struct ListDocument<'a> {
    #[serde(serialize_with = "printed")]
    revision: Revision,
    waiters: Vec<WaiterDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct WaiterDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<&'a str>,
    namespace: &'a str,
    #[serde(serialize_with = "printed")]
    since: Timestamp,
    terms: Vec<String>,
}

impl<'a> WaiterDocument<'a> {
    fn new(WaiterInfo { who, conditions }: &'a WaiterInfo) -> Self {
        Self {
            pod: who.pod.as_deref(),
            namespace: who.namespace.as_str(),
            since: who.since,
            terms: conditions.iter().map(Condition::to_string).collect(),
        }
    }
}

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
    let waiters = waiters.iter().map(WaiterDocument::new).collect();
    answer::json(StatusCode::OK, &ListDocument { revision, waiters })
}
