//! What a wait leaves for the other containers of its pod: the store and the pod's identity.

use std::{net::IpAddr, path::PathBuf};

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
    /// The file with the token of this pod, which is mounted at the same path in each container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
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
            token_file: endpoint.token_file.clone(),
            namespace: namespace.to_string(),
            marker,
        }
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        Ok(Endpoint {
            fallback: self.server_ip,
            ca: self.ca.clone(),
            token_file: self.token_file.clone(),
            ..Endpoint::new(self.server.parse()?)
        })
    }

    pub(crate) fn namespace(&self) -> Result<Namespace, NamespaceError> {
        self.namespace.parse()
    }
}
