//! The store to use, and the namespace in it.

use oncue_language::{Namespace, name::NamespaceError};
use thiserror::Error;

use crate::{
    Surroundings,
    api::{Endpoint, EndpointError},
    args::StoreChoice,
    exit::Exit,
    folder::{Folder, FolderError},
    pod::Pod,
};

/// A namespace of a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) endpoint: Endpoint,
    pub(crate) namespace: Namespace,
}

impl Place {
    /// Returns the place from the command line, else the environment, else the file that a wait
    /// left for the other containers of its pod, else the namespace `default` of a store on this
    /// host.
    pub(crate) fn of(
        choice: &StoreChoice,
        pod: &Pod,
        surroundings: &Surroundings,
    ) -> Result<Self, PlaceError> {
        let environment = &surroundings.environment;
        let server = choice.server.as_deref();
        let server = server.or_else(|| environment.non_empty("ONCUE_SERVER"));
        let namespace = choice.namespace.as_ref().or(pod.namespace());
        let left = match (server, namespace) {
            (Some(_), Some(_)) => None,
            _ => Folder::beside(&surroundings.executable).read_pod_file()?,
        };
        let endpoint = match (server, &left) {
            (None, Some(left)) => left.endpoint()?,
            _ => Endpoint::from_environment(server, environment)?,
        };
        let namespace = match (namespace, &left) {
            (Some(namespace), _) => namespace.clone(),
            (None, Some(left)) => left.namespace()?,
            (None, None) => Namespace::default(),
        };
        Ok(Self {
            endpoint,
            namespace,
        })
    }
}

/// Why the store's address cannot be determined.
#[derive(Debug, Error)]
pub(crate) enum PlaceError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the namespace that the wait left: {0}")]
    Namespace(#[from] NamespaceError),
}

impl PlaceError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Folder(_) | Self::Namespace(_) => Exit::Error,
            Self::Endpoint(_) => Exit::Usage,
        }
    }
}
