//! The `caBundle` in a webhook configuration: what the API server verifies the webhook with.

use http::Uri;
use k8s_openapi::{
    ByteString,
    api::admissionregistration::v1::{ServiceReference, WebhookClientConfig},
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use oncue_webhook_certs::{Entry, Wanted};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, FIELD_MANAGER, call};
use crate::config::{ConfigurationKind, ConfigurationRef};

/// A webhook configuration, of which nothing but `caBundle` is ours, and that only in entries that
/// point to a server of ours.
#[derive(Clone, Debug)]
pub(crate) struct WebhookConfiguration {
    api: Api<DynamicObject>,
    place: ConfigurationRef,
    servers: Vec<ServerName<'static>>,
}

/// Returns a kind of webhook configuration as the API names it. Their entries look the same.
pub(crate) fn configurations(kind: ConfigurationKind) -> ApiResource {
    let kind = kind.to_string();
    ApiResource {
        group: "admissionregistration.k8s.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "admissionregistration.k8s.io/v1".to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        kind,
    }
}

/// A webhook configuration as it was read.
#[derive(Debug)]
pub(crate) struct FoundConfiguration {
    object: DynamicObject,
    /// The entries that point to us, by their names.
    entries: Vec<(String, Entry)>,
}

impl FoundConfiguration {
    /// Returns what the API server trusts at our entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(|(_, entry)| entry.clone())
    }

    /// Returns whether the API server notes that fields of the object are ours.
    pub(crate) fn is_owned(&self) -> bool {
        others(&self.object).is_some()
    }
}

impl WebhookConfiguration {
    /// Names the object, and the servers that are ours as their certificate names them.
    pub(crate) fn new(
        client: Client,
        place: ConfigurationRef,
        servers: Vec<ServerName<'static>>,
    ) -> Self {
        Self {
            api: Api::all_with(client, &configurations(place.kind)),
            place,
            servers,
        }
    }

    pub(crate) fn place(&self) -> &ConfigurationRef {
        &self.place
    }

    /// Reads the object; there is no use in one without an entry of ours.
    pub(crate) async fn read(&self) -> Result<FoundConfiguration, PublishError> {
        let unread = |error| PublishError::Read(self.place.clone(), error);
        let object = call(self.api.get(self.place.name.as_str()));
        let object = object.await.map_err(unread)?;
        let hooks = object.data.get("webhooks").unwrap_or(&Value::Null);
        let hooks = Option::<Vec<Hook>>::deserialize(hooks)
            .map_err(|error| unread(ApiError::Unanswered(error.to_string())))?;
        let is_ours = !is_injected(&object);
        let entries: Vec<_> = hooks
            .unwrap_or_default()
            .into_iter()
            .filter(|hook| self.is_ours(&hook.client_config))
            .map(|hook| hook.entry(is_ours))
            .collect();
        if entries.is_empty() {
            let servers = self.servers.iter().map(ServerName::to_str);
            return Err(PublishError::NoEntry {
                place: self.place.clone(),
                servers: servers.collect::<Vec<_>>().join(", "),
            });
        }
        Ok(FoundConfiguration { object, entries })
    }

    /// Writes `bundle` to the entries of what was `found` that hold something else.
    ///
    /// A strategic merge finds entries by their names.
    pub(crate) async fn write(
        &self,
        found: &FoundConfiguration,
        bundle: &Wanted,
    ) -> Result<(), PublishError> {
        let wrong = found
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_ours && !bundle.is(&entry.bundle));
        let pem = ByteString(bundle.to_pem().into_bytes());
        let patches: Vec<_> = wrong
            .map(|(name, _)| json!({"name": name, "clientConfig": {"caBundle": pem}}))
            .collect();
        if patches.is_empty() {
            return Ok(());
        }
        self.patch(&found.object, json!({"webhooks": patches}))
            .await
    }

    /// Removes us from the owners of the object's fields.
    ///
    /// Server-side apply keeps a list item as long as a field in it has an owner. An upgrade or a
    /// rollback that drops an entry would leave an entry with only a `caBundle`, which the API
    /// server rejects. A field without an owner goes with its entry.
    pub(crate) async fn disown(&self, found: &FoundConfiguration) -> Result<(), PublishError> {
        let Some(others) = others(&found.object) else {
            return Ok(());
        };
        let patch = json!({"metadata": {"managedFields": others}});
        self.patch(&found.object, patch).await
    }

    /// Changes what was found: a conflict if it was changed meanwhile.
    async fn patch(&self, found: &DynamicObject, mut patch: Value) -> Result<(), PublishError> {
        patch["metadata"]["resourceVersion"] = json!(found.metadata.resource_version);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Strategic(patch);
        let patched = self.api.patch(self.place.name.as_str(), &params, &patch);
        let patched = call(patched).await;
        patched
            .map(|_| ())
            .map_err(|error| PublishError::Patch(self.place.clone(), error))
    }

    /// Returns whether the API server verifies one of our names there.
    fn is_ours(&self, client: &WebhookClientConfig) -> bool {
        let server = match (&client.service, &client.url) {
            (
                Some(ServiceReference {
                    name, namespace, ..
                }),
                _,
            ) => Some(format!("{name}.{namespace}.svc")),
            (None, Some(url)) => url.parse::<Uri>().ok().and_then(|url| {
                url.host()
                    .map(|host| host.trim_matches(['[', ']']).to_owned())
            }),
            (None, None) => None,
        };
        server.is_some_and(|server| self.servers.iter().any(|ours| ours.to_str() == server))
    }
}

/// What is read of an entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hook {
    name: String,
    client_config: WebhookClientConfig,
}

impl Hook {
    fn entry(self, is_ours: bool) -> (String, Entry) {
        let bundle = self.client_config.ca_bundle.unwrap_or_default();
        let entry = Entry {
            bundle: String::from_utf8_lossy(&bundle.0).into_owned(),
            is_ours,
        };
        (self.name, entry)
    }
}

/// Returns whether cert-manager writes the `caBundle` of all entries.
fn is_injected(object: &DynamicObject) -> bool {
    let annotations = object.metadata.annotations.iter().flatten();
    annotations
        .into_iter()
        .any(|(key, _)| key.starts_with("cert-manager.io/inject-"))
}

/// Returns the owners of the object's fields but us, where we are one of them.
fn others(found: &DynamicObject) -> Option<Vec<&ManagedFieldsEntry>> {
    let owners = found.metadata.managed_fields.as_deref()?;
    let is_other = |owner: &&ManagedFieldsEntry| owner.manager.as_deref() != Some(FIELD_MANAGER);
    let others: Vec<_> = owners.iter().filter(is_other).collect();
    // The API server takes no list for the one it knows.
    (others.len() < owners.len() && !others.is_empty()).then_some(others)
}

/// Why the bundle is not known to be right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// No entry is ours.
    #[error(
        "no entry of the {place} points to this webhook: the service or the host of one has to be \
         a name on its certificate, which are {servers}"
    )]
    NoEntry {
        place: ConfigurationRef,
        /// The names on the certificate.
        servers: String,
    },
    /// The bundle cannot be written.
    #[error("failed to write the caBundle of the {0}")]
    Patch(ConfigurationRef, #[source] ApiError),
    /// The object cannot be read.
    #[error("failed to read the {0}")]
    Read(ConfigurationRef, #[source] ApiError),
}

impl PublishError {
    /// Returns whether the object is not there, as before an installation has made it.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Read(_, ApiError::NotFound(_)))
    }
}
