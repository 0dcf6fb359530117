//! The `caBundle` in a `MutatingWebhookConfiguration`: what the API server verifies the webhook
//! with.

use std::time::SystemTime;

use http::Uri;
use k8s_openapi::{
    ByteString, Resource,
    api::admissionregistration::v1::{
        MutatingWebhook, MutatingWebhookConfiguration, WebhookClientConfig,
    },
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use oncue_webhook_certs::{Authority, TrustBundle};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};

use super::{ApiError, FIELD_MANAGER, call};
use crate::config::ObjectName;

/// A `MutatingWebhookConfiguration`, of which nothing but `caBundle` is ours, and that only in
/// entries that point to a server of ours.
#[derive(Clone, Debug)]
pub struct WebhookConfiguration {
    api: Api<MutatingWebhookConfiguration>,
    name: ObjectName,
    servers: Vec<ServerName<'static>>,
}

/// What became of a look at it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Publication {
    /// The bundle was put right.
    Patched,
    /// The bundle was right.
    Unchanged,
}

impl WebhookConfiguration {
    /// Names the object, and the servers that are ours as their certificate names them.
    pub fn new(client: Client, name: ObjectName, servers: Vec<ServerName<'static>>) -> Self {
        Self {
            api: Api::all(client),
            name,
            servers,
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// Lets the API server trust `authority` at every entry of ours.
    pub async fn publish(
        &self,
        bundle: &mut TrustBundle,
        authority: &Authority,
        now: SystemTime,
    ) -> Result<Publication, PublishError> {
        for _ in 0..ATTEMPTS {
            let found = self.read().await?;
            let entries = self.entries(&found)?;
            let bundles = entries.iter().map(|entry| &*entry.bundle);
            let wanted = bundle.settle(bundles, authority, now);
            if entries.iter().all(|entry| wanted.is(&entry.bundle)) {
                return Ok(Publication::Unchanged);
            }
            let patch = patch(&found, &entries, &wanted.to_pem());
            match self.apply(patch).await {
                Ok(()) => return Ok(Publication::Patched),
                Err(ApiError::Conflict(_)) => {}
                Err(error) => return Err(PublishError::Patch(self.name.clone(), error)),
            }
        }
        Err(PublishError::Contended(self.name.clone()))
    }

    async fn read(&self) -> Result<MutatingWebhookConfiguration, PublishError> {
        call(self.api.get(self.name.as_str()))
            .await
            .map_err(|error| PublishError::Read(self.name.clone(), error))
    }

    async fn apply(&self, patch: Value) -> Result<(), ApiError> {
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(patch);
        call(self.api.patch(self.name.as_str(), &params, &patch))
            .await
            .map(|_| ())
    }

    /// Returns the entries that point to us; there is no use in none.
    fn entries<'a>(
        &self,
        found: &'a MutatingWebhookConfiguration,
    ) -> Result<Vec<Entry<'a>>, PublishError> {
        let all = found.webhooks.as_deref().unwrap_or_default();
        let entries: Vec<_> = all
            .iter()
            .filter(|entry| self.is_ours(&entry.client_config))
            .map(Entry::of)
            .collect();
        if entries.is_empty() {
            let servers = self.servers.iter().map(ServerName::to_str);
            return Err(PublishError::NoEntry {
                name: self.name.clone(),
                servers: servers.collect::<Vec<_>>().join(", "),
            });
        }
        Ok(entries)
    }

    /// Returns whether the API server verifies one of our names there.
    fn is_ours(&self, client: &WebhookClientConfig) -> bool {
        let server = match (&client.service, &client.url) {
            (Some(service), _) => Some(format!("{}.{}.svc", service.name, service.namespace)),
            (None, Some(url)) => url.parse::<Uri>().ok().and_then(|url| {
                url.host()
                    .map(|host| host.trim_matches(['[', ']']).to_owned())
            }),
            (None, None) => None,
        };
        server.is_some_and(|server| self.servers.iter().any(|ours| ours.to_str() == server))
    }
}

/// An entry that points to us.
struct Entry<'a> {
    name: &'a str,
    bundle: String,
}

impl<'a> Entry<'a> {
    fn of(webhook: &'a MutatingWebhook) -> Self {
        let bundle = webhook.client_config.ca_bundle.as_ref();
        Self {
            name: &webhook.name,
            bundle: bundle.map_or_else(String::new, |bundle| {
                String::from_utf8_lossy(&bundle.0).into_owned()
            }),
        }
    }
}

/// Returns what is applied: all entries of ours, since what an apply leaves out is given up, and
/// the version that was read, so that an entry that went meanwhile is not made anew.
fn patch(found: &MutatingWebhookConfiguration, entries: &[Entry<'_>], bundle: &str) -> Value {
    let bundle = ByteString(bundle.as_bytes().to_vec());
    let webhooks = entries
        .iter()
        .map(|entry| json!({"name": entry.name, "clientConfig": {"caBundle": bundle}}));
    json!({
        "apiVersion": MutatingWebhookConfiguration::API_VERSION,
        "kind": MutatingWebhookConfiguration::KIND,
        "metadata": {
            "name": found.metadata.name,
            "resourceVersion": found.metadata.resource_version,
        },
        "webhooks": webhooks.collect::<Vec<_>>(),
    })
}

/// Why the bundle is not known to be right.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Others changed the object each time.
    #[error("the MutatingWebhookConfiguration {0} kept being changed by others")]
    Contended(ObjectName),
    /// No entry is ours.
    #[error(
        "no entry of the MutatingWebhookConfiguration {name} points to this webhook: the service or \
         the host of one has to be a name on its certificate, which are {servers}"
    )]
    NoEntry {
        /// The object.
        name: ObjectName,
        /// The names on the certificate.
        servers: String,
    },
    /// The bundle cannot be written.
    #[error("failed to write the caBundle of the MutatingWebhookConfiguration {0}")]
    Patch(ObjectName, #[source] ApiError),
    /// The object cannot be read.
    #[error("failed to read the MutatingWebhookConfiguration {0}")]
    Read(ObjectName, #[source] ApiError),
}

const ATTEMPTS: usize = 5;
