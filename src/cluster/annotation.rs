//! One annotation of one very pod.

use kube::Client;
use serde_json::json;

use super::{ApiError, Resource, Verb, Write};
use crate::language::Owner;

/// Sets an annotation of a pod that has annotations already. A pod of the same name with another uid
/// stays as it is.
pub(crate) async fn annotate(
    client: &Client,
    pod: &Owner,
    (key, value): (&str, &str),
) -> Result<(), ApiError> {
    let Owner {
        namespace,
        name,
        uid,
        kind: _,
    } = pod;
    let pointer = key.replace('~', "~0").replace('/', "~1");
    let patch = json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "add", "path": format!("/metadata/annotations/{pointer}"), "value": value},
    ]);
    let pods = Resource::POD.path(Some(namespace.as_str()));
    let write = Write {
        verb: Verb::JsonPatch,
        path: &format!("{pods}/{name}"),
        field_manager: FIELD_MANAGER,
        body: &patch,
    };
    write.send(client).await.map_err(|failure| failure.error)
}

/// The owner of the annotation, as the API server notes it.
const FIELD_MANAGER: &str = "oncue";
