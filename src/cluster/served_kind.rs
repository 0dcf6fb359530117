//! How the API server serves the kinds that are watched.

use std::time::Duration;

use kube::{
    Client,
    api::ApiResource,
    core::GroupVersion,
    discovery::{self, Scope, verbs},
};
use tokio::time::timeout;

use super::{WatchFailure, resource};
use crate::objects::WatchedKind;

/// Returns how the API server serves a kind. Only for a kind that is not built in it is asked.
///
/// # Errors
/// [`WatchFailure::Unnamespaced`] if the objects live in no namespace, unlike a node.
pub(crate) async fn find(client: &Client, kind: &WatchedKind) -> Result<ApiResource, WatchFailure> {
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
        .map_err(|_| WatchFailure::Passing)?;
    let group = answered.map_err(|error| WatchFailure::of_request(&error))?;
    let mut kinds = group.recommended_resources().into_iter();
    let found = kinds.find(|(found, _)| found.plural == plural);
    let (resource, capabilities) = found.ok_or(WatchFailure::NoSuchKind)?;
    match capabilities.scope {
        Scope::Cluster => Err(WatchFailure::Unnamespaced),
        Scope::Namespaced if !capabilities.supports_operation(verbs::WATCH) => {
            Err(WatchFailure::Unwatchable)
        }
        Scope::Namespaced => Ok(resource),
    }
}

const DEADLINE: Duration = Duration::from_secs(10);
