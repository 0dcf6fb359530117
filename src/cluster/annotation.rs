//! One annotation of one very pod.

use http::{Request, header::CONTENT_TYPE};
use kube::Client;
use serde_json::json;

use super::{ApiError, Resource, write};
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
    } = pod;
    let pointer = key.replace('~', "~0").replace('/', "~1");
    let patch = json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "add", "path": format!("/metadata/annotations/{pointer}"), "value": value},
    ]);
    let pods = Resource::POD.path(Some(namespace.as_str()));
    let request = Request::patch(format!("{pods}/{name}?fieldManager={FIELD_MANAGER}"))
        .header(CONTENT_TYPE, "application/json-patch+json")
        .body(patch.to_string().into_bytes());
    let request = request.map_err(|error| ApiError::Unanswered(error.to_string()))?;
    write(client, request)
        .await
        .map_err(|failure| failure.error)
}

/// Who sets it, as the API server notes it.
const FIELD_MANAGER: &str = "oncue";
