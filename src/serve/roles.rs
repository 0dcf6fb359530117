//! The roles of a process: loaded, then served.

use std::sync::Arc;

use prometheus_client::registry::Registry;

use super::{group::Group, store_role::StoreRole, webhook_role::WebhookRole};
use crate::{
    admin::process,
    controller::{Controller, NamespacesTask},
    leadership::Elector,
    store::Staleness,
};

/// The roles of a process.
pub(super) struct Roles {
    pub(super) store: Option<StoreRole>,
    pub(super) webhook: Option<WebhookRole>,
    pub(super) controller: Option<Controller>,
    /// Tells the store which namespaces may be read.
    pub(super) namespaces: Option<NamespacesTask>,
    /// Gains the leadership of the store and the controller, if there are several replicas.
    pub(super) elector: Option<Elector>,
    /// Gains the right to write certificates, if there are several webhooks.
    pub(super) writer: Option<Elector>,
}

impl Roles {
    /// Serves what there is in `group`, and returns everything that is counted.
    pub(super) fn serve(self, group: &mut Group) -> Arc<Registry> {
        let mut registry = Registry::default();
        process::register(&mut registry);
        let oncue = registry.sub_registry_with_prefix("oncue");
        group.metrics().register(oncue);
        let store = self.store.map(|role| (role.register(oncue), role));
        if let Some(webhook) = &self.webhook {
            webhook.register(oncue);
        }
        if let Some(controller) = &self.controller {
            controller.register(oncue);
        }
        let registry = Arc::new(registry);
        let staleness = match &store {
            Some((_, role)) => role.store().staleness(),
            None => Staleness::never(),
        };
        if let Some((metrics, role)) = store {
            role.serve(group, metrics, Arc::clone(&registry));
        }
        if let Some(role) = self.webhook {
            role.serve(group);
        }
        if let Some(namespaces) = self.namespaces {
            group.spawn(namespaces.run(group.shutdown()));
        }
        if let Some(controller) = self.controller {
            group.spawn(controller.run(group.shutdown()));
        }
        // Last: only a replica that serves is to lead.
        if let Some(elector) = self.elector {
            group.spawn(elector.run(group.shutdown(), staleness));
        }
        if let Some(writer) = self.writer {
            group.spawn(writer.run(group.shutdown(), Staleness::never()));
        }
        registry
    }
}
