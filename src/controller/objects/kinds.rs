//! How the API server serves the kinds that are watched.

use std::time::Duration;

use kube::{
    Client,
    api::ApiResource,
    core::GroupVersion,
    discovery::{self, Scope, verbs},
};
use tokio::time::timeout;

use super::super::failure::Failure;
use crate::objects::WatchedKind;

/// Returns how the API server serves a kind. Only for a kind that is not built in it is asked.
///
/// # Errors
/// [`Failure::Unnamespaced`] if the objects live in no namespace, unlike a node.
pub(crate) async fn find(client: &Client, kind: &WatchedKind) -> Result<ApiResource, Failure> {
    let (group, plural) = (kind.group(), kind.plural());
    if let Some(version) = kind.version() {
        return Ok(resource(&GroupVersion::gv(group, version), plural));
    }
    let asked = async {
        if group.is_empty() {
            discovery::pinned_group(client, &GroupVersion::gv("", "v1")).await
        } else {
            discovery::group(client, group).await
        }
    };
    let answered = timeout(DEADLINE, asked)
        .await
        .map_err(|_| Failure::Passing)?;
    let group = answered.map_err(|error| Failure::of_request(&error))?;
    let mut kinds = group.recommended_resources().into_iter();
    let found = kinds.find(|(found, _)| found.plural == plural);
    let (resource, capabilities) = found.ok_or(Failure::NoSuchKind)?;
    match capabilities.scope {
        Scope::Cluster => Err(Failure::Unnamespaced),
        Scope::Namespaced if !capabilities.supports_operation(verbs::WATCH) => {
            Err(Failure::Unwatchable)
        }
        Scope::Namespaced => Ok(resource),
    }
}

/// Returns a resource of the API.
pub(in super::super) fn resource(version: &GroupVersion, plural: &str) -> ApiResource {
    ApiResource {
        group: version.group.clone(),
        version: version.version.clone(),
        api_version: version.api_version(),
        // Lists and watches do not name it.
        kind: String::new(),
        plural: plural.to_owned(),
    }
}

const DEADLINE: Duration = Duration::from_secs(10);
