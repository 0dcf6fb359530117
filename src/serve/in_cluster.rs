//! What the webhook asks of its cluster.

use std::net::IpAddr;

use kube::Client;

use crate::{
    admin::{Latch, Readying},
    cluster::cluster_ip,
    config::ObjectRef,
    outage::persist,
};

/// The Service whose address is injected.
pub(super) struct StoreService {
    client: Client,
    latch: Latch,
    place: ObjectRef,
}

impl StoreService {
    pub(super) fn new(client: &Client, place: &ObjectRef, readying: &Readying) -> Self {
        Self {
            client: client.clone(),
            latch: readying.latch(format!("ClusterIP of the Service {place}")),
            place: place.clone(),
        }
    }

    /// Waits until it has an address.
    pub(super) async fn address(self) -> IpAddr {
        let Self {
            client,
            place,
            latch,
        } = self;
        let read = || cluster_ip(client.clone(), &place);
        let address = persist("address of the store", read).await;
        latch.release();
        address
    }
}
