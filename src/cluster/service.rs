//! The address of a Service.

use std::net::{AddrParseError, IpAddr};

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};

use super::{ApiError, call};
use crate::config::ObjectRef;

/// Returns the `ClusterIP` of a Service: the address that is its own for as long as it is there.
pub(crate) async fn cluster_ip(client: Client, place: &ObjectRef) -> Result<IpAddr, ServiceError> {
    let api: Api<Service> = Api::namespaced(client, place.namespace.as_str());
    let service = call(api.get(place.name.as_str()))
        .await
        .map_err(|source| ServiceError::Read(place.clone(), source))?;
    let address = service.spec.and_then(|spec| spec.cluster_ip);
    match address.as_deref() {
        None | Some("") => Err(ServiceError::NoAddress(place.clone())),
        Some("None") => Err(ServiceError::Headless(place.clone())),
        Some(text) => text
            .parse()
            .map_err(|source| ServiceError::Address(place.clone(), source)),
    }
}

/// Why a Service has no address for us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// Its address cannot be read.
    #[error("failed to read the ClusterIP of the Service {0}")]
    Address(ObjectRef, #[source] AddrParseError),
    /// It is meant to have none.
    #[error("the Service {0} is headless: it needs a ClusterIP, which pods without DNS use")]
    Headless(ObjectRef),
    /// It has none, or none yet.
    #[error("the Service {0} has no ClusterIP: its type is to be ClusterIP")]
    NoAddress(ObjectRef),
    /// It cannot be read.
    #[error("failed to read the Service {0}")]
    Read(ObjectRef, #[source] ApiError),
}
