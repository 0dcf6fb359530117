//! What a wait leaves for the other containers of its pod: the store and the pod's identity.

use std::net::IpAddr;

use oncue_language::{Namespace, Owner, name::NamespaceError};
use serde::{Deserialize, Serialize};

use crate::api::{Endpoint, EndpointError};

/// What a wait leaves in the shared folder beside the client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodFile {
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    namespace: String,
    /// What the post-start marker does, if the pod has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) marker: Option<Marker>,
}

/// What a marker signals.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Marker {
    pub(crate) owner: Owner,
    pub(crate) signals: Vec<String>,
}

impl PodFile {
    pub(crate) fn new(endpoint: &Endpoint, namespace: &Namespace, marker: Option<Marker>) -> Self {
        Self {
            server: endpoint.url.to_string(),
            server_ip: endpoint.fallback,
            ca: endpoint.ca.clone(),
            namespace: namespace.to_string(),
            marker,
        }
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        Ok(Endpoint {
            url: self.server.parse()?,
            fallback: self.server_ip,
            ca: self.ca.clone(),
        })
    }

    pub(crate) fn namespace(&self) -> Result<Namespace, NamespaceError> {
        self.namespace.parse()
    }
}
