//! The certificate authority in a Secret, which all replicas share.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{GetParams, PostParams},
    core::Request,
};
use oncue_webhook_certs::{Authority, Kept, Stored, Written};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, FIELD_MANAGER, call};
use crate::config::ObjectRef;

/// A Secret that keeps a certificate authority in `ca.crt` and `ca.key`.
///
/// It must exist, empty at first: so no part of oncue needs the right to create Secrets. A write is
/// an update of the JSON that was read, so that fields which this version does not know stay; the
/// API server refuses it if the Secret was changed since.
#[derive(Clone, Debug)]
pub(crate) struct AuthoritySecret {
    api: Api<Secret>,
    place: ObjectRef,
}

impl AuthoritySecret {
    /// Names the Secret.
    pub(crate) fn new(client: Client, place: ObjectRef) -> Self {
        Self {
            api: Api::namespaced(client, place.namespace.as_str()),
            place,
        }
    }

    async fn get(&self) -> Result<Value, kube::Error> {
        let request = self.requests().get(self.name(), &GetParams::default());
        self.api
            .clone()
            .into_client()
            .request(request.map_err(kube::Error::BuildRequest)?)
            .await
    }

    async fn replace(&self, secret: &Value) -> Result<Value, kube::Error> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let body = secret.to_string().into_bytes();
        let request = self.requests().replace(self.name(), &params, body);
        self.api
            .clone()
            .into_client()
            .request(request.map_err(kube::Error::BuildRequest)?)
            .await
    }

    /// Reads what it keeps.
    pub(crate) async fn read(&self) -> Result<Kept<Value>, SecretError> {
        let secret = call(self.get()).await.map_err(|error| match error {
            ApiError::NotFound(_) => SecretError::Absent {
                place: self.place.clone(),
            },
            error => SecretError::Read(self.place.clone(), error),
        })?;
        let (key, certificate) = (text(&secret, KEY), text(&secret, CERTIFICATE));
        Ok(Kept {
            stored: Stored::from_pem(key.as_deref(), certificate.as_deref()),
            version: secret,
        })
    }

    /// Writes `authority` in the place of what was read.
    pub(crate) async fn write(
        &self,
        authority: &Authority,
        mut secret: Value,
    ) -> Result<Written, SecretError> {
        for (key, text) in [
            (CERTIFICATE, authority.bundle_pem()),
            (KEY, authority.key().to_pem()),
        ] {
            secret["data"][key] = json!(ByteString(text.into_bytes()));
        }
        match call(self.replace(&secret)).await {
            Ok(_) => Ok(Written::Done),
            Err(ApiError::Conflict(_)) => Ok(Written::Raced),
            Err(error) => Err(SecretError::Write(self.place.clone(), error)),
        }
    }

    fn requests(&self) -> Request {
        Request::new(self.api.resource_url())
    }

    fn name(&self) -> &str {
        self.place.name.as_str()
    }
}

/// Why the Secret keeps no authority for us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// There is no such Secret.
    #[error(
        "there is no Secret {place}: create it empty, with kubectl create secret generic {name} \
         --namespace {namespace}; the webhooks that run write their certificate authority to it",
        name = .place.name,
        namespace = .place.namespace
    )]
    Absent { place: ObjectRef },
    /// It cannot be read.
    #[error("failed to read the Secret {0}")]
    Read(ObjectRef, #[source] ApiError),
    /// It cannot be written.
    #[error("failed to write the certificate authority to the Secret {0}")]
    Write(ObjectRef, #[source] ApiError),
}

/// Returns an entry as a text; an empty one counts as absent.
pub(super) fn text(secret: &Value, entry: &str) -> Option<String> {
    let ByteString(bytes) = ByteString::deserialize(secret.get("data")?.get(entry)?).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.trim().is_empty())
}

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
