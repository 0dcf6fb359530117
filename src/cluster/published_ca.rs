//! The CA that an installation publishes: the one by which the API server verifies its webhook. It has
//! signed the store's certificate too.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, WebhookClientConfig,
};
use kube::{Api, Client, api::ListParams};

use super::{ApiError, call};
use crate::language::Namespace;

/// Returns the certificates of the CA of the oncue that is installed in `namespace`, in PEM.
pub(crate) async fn published_ca(
    client: &Client,
    namespace: &Namespace,
) -> Result<String, PublishedCaError> {
    let api: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let ours = ListParams::default().labels(LABEL).limit(MAX_OBJECTS);
    let listed = call(api.list(&ours)).await;
    let listed = listed.map_err(PublishedCaError::Read)?;
    let entries = listed.items.into_iter().filter_map(|it| it.webhooks);
    let bundle = |config| bundle(config, namespace);
    let bundle = entries.flatten().find_map(|it| bundle(it.client_config));
    bundle.ok_or_else(|| PublishedCaError::Absent {
        namespace: namespace.clone(),
    })
}

/// Returns the bundle of an entry that leads to `namespace`.
fn bundle(config: WebhookClientConfig, namespace: &Namespace) -> Option<String> {
    let is_ours = config.service?.namespace == namespace.as_str();
    let pem = String::from_utf8(config.ca_bundle?.0).ok()?;
    (is_ours && !pem.trim().is_empty()).then_some(pem)
}

/// Why the CA is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishedCaError {
    /// None is published.
    #[error(
        "no MutatingWebhookConfiguration that leads to the namespace {namespace} has a caBundle \
         (looked for {LABEL}): is the webhook of oncue running there?"
    )]
    Absent {
        /// Where its webhook was looked for.
        namespace: Namespace,
    },
    /// It cannot be read.
    #[error("failed to read the CA of oncue from the MutatingWebhookConfigurations: {0}")]
    Read(ApiError),
}

const LABEL: &str = "app.kubernetes.io/name=oncue";
const MAX_OBJECTS: u32 = 100;

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    fn mk_entry(namespace: &str, bundle: &str) -> Value {
        json!({
            "name": "pods.oncue.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {
                "service": {"name": "oncue-webhook", "namespace": namespace},
                "caBundle": ByteString(bundle.as_bytes().to_vec()),
            },
        })
    }

    async fn published(entries: &[Value]) -> Result<String, String> {
        let (client, server) = mk_client();
        let list = json!({"metadata": {}, "items": [{"metadata": {}}, {"webhooks": entries, "metadata": {}}]});
        let server = answer(server, vec![(200, list)]);
        let published = published_ca(&client, &"oncue-system".parse().unwrap()).await;
        drop(client);
        let asked = server.await.unwrap();
        assert!(
            asked[0].contains("mutatingwebhookconfigurations?"),
            "{asked:?}"
        );
        published.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_bundle_of_the_installation_itself_is_taken() {
        let entries = [
            mk_entry("another-system", "another"),
            mk_entry("oncue-system", ""),
            mk_entry("oncue-system", "ours"),
        ];
        assert_eq!(published(&entries).await.as_deref(), Ok("ours"));
        let error = published(&entries[..2]).await.unwrap_err();
        assert!(error.contains("to the namespace oncue-system"), "{error}");
    }
}
