//! The `caBundle` in a `MutatingWebhookConfiguration`: what the API server verifies the webhook
//! with.

use std::time::SystemTime;

use http::Uri;
use k8s_openapi::{
    ByteString,
    api::admissionregistration::v1::{
        MutatingWebhook, MutatingWebhookConfiguration, WebhookClientConfig,
    },
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
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
pub(crate) struct WebhookConfiguration {
    api: Api<MutatingWebhookConfiguration>,
    name: ObjectName,
    servers: Vec<ServerName<'static>>,
}

/// That the bundle is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Published {
    /// Whether it had to be written.
    pub patched: bool,
    /// Whether the API server notes that fields of the object are ours.
    pub owned: bool,
}

impl WebhookConfiguration {
    /// Names the object, and the servers that are ours as their certificate names them.
    pub(crate) fn new(client: Client, name: ObjectName, servers: Vec<ServerName<'static>>) -> Self {
        Self {
            api: Api::all(client),
            name,
            servers,
        }
    }

    pub(crate) fn name(&self) -> &ObjectName {
        &self.name
    }

    /// Lets the API server trust `authority` at every entry of ours.
    pub(crate) async fn publish(
        &self,
        bundle: &mut TrustBundle,
        authority: &Authority,
        now: SystemTime,
    ) -> Result<Published, PublishError> {
        let mut patched = false;
        for _ in 0..ATTEMPTS {
            let found = self.read().await?;
            let entries = self.entries(&found)?;
            let bundles = entries.iter().map(|entry| &*entry.bundle);
            let wanted = bundle.settle(bundles, authority, now);
            let wrong = entries.iter().filter(|entry| !wanted.is(&entry.bundle));
            let patch: Vec<_> = wrong.map(|it| it.with(&wanted.to_pem())).collect();
            if patch.is_empty() {
                let owned = others(&found).is_some();
                return Ok(Published { patched, owned });
            }
            let patch = json!({"webhooks": patch});
            match self.patch(&found, patch).await {
                Ok(()) => patched = true,
                Err(ApiError::Conflict(_)) => {}
                Err(error) => return Err(PublishError::Patch(self.name.clone(), error)),
            }
        }
        Err(PublishError::Contended(self.name.clone()))
    }

    /// Removes us from the owners of the object's fields.
    ///
    /// Server-side apply keeps a list item as long as a field in it has an owner. An upgrade or a
    /// rollback that drops an entry would leave an entry with only a `caBundle`, which the API
    /// server rejects. A field without an owner goes with its entry.
    pub(crate) async fn disown(&self) -> Result<(), PublishError> {
        let found = self.read().await?;
        let Some(others) = others(&found) else {
            return Ok(());
        };
        let patch = json!({"metadata": {"managedFields": others}});
        match self.patch(&found, patch).await {
            // Another replica has removed the same owner.
            Ok(()) | Err(ApiError::Conflict(_)) => Ok(()),
            Err(error) => Err(PublishError::Patch(self.name.clone(), error)),
        }
    }

    async fn read(&self) -> Result<MutatingWebhookConfiguration, PublishError> {
        call(self.api.get(self.name.as_str()))
            .await
            .map_err(|error| PublishError::Read(self.name.clone(), error))
    }

    /// Changes what was found: a conflict where it was changed meanwhile.
    ///
    /// A strategic merge finds entries by their names.
    async fn patch(
        &self,
        found: &MutatingWebhookConfiguration,
        mut patch: Value,
    ) -> Result<(), ApiError> {
        patch["metadata"]["resourceVersion"] = json!(found.metadata.resource_version);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Strategic(patch);
        let patched = self.api.patch(self.name.as_str(), &params, &patch);
        call(patched).await.map(|_| ())
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

    /// Returns the entry's part of a patch.
    fn with(&self, bundle: &str) -> Value {
        let bundle = ByteString(bundle.as_bytes().to_vec());
        json!({"name": self.name, "clientConfig": {"caBundle": bundle}})
    }
}

/// Returns the owners of the object's fields but us, where we are one of them.
fn others(found: &MutatingWebhookConfiguration) -> Option<Vec<&ManagedFieldsEntry>> {
    let owners = found.metadata.managed_fields.as_deref()?;
    let is_other = |owner: &&ManagedFieldsEntry| owner.manager.as_deref() != Some(FIELD_MANAGER);
    let others: Vec<_> = owners.iter().filter(is_other).collect();
    // The API server takes no list for the one it knows.
    (others.len() < owners.len() && !others.is_empty()).then_some(others)
}

/// Why the bundle is not known to be right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// Others changed the object each time.
    #[error("the MutatingWebhookConfiguration {0} kept being changed by others")]
    Contended(ObjectName),
    /// No entry is ours.
    #[error(
        "no entry of the MutatingWebhookConfiguration {name} points to this webhook: the service or \
         the host of one has to be a name on its certificate, which are {servers}"
    )]
    NoEntry {
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

impl PublishError {
    /// Returns the reason as one word, for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Contended(_) => "conflict",
            Self::NoEntry { .. } => "no-entry",
            Self::Read(_, ApiError::NotFound(_)) => "absent",
            Self::Patch(_, error) | Self::Read(_, error) => error.label(),
        }
    }
}

const ATTEMPTS: usize = 5;
