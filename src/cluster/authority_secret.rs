//! The certificate authority in a Secret, which all replicas share.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{GetParams, PostParams},
    core::Request,
};
use oncue_webhook_certs::{
    Authority, CertificateError, Keeper, Kept, Unusable, Written, read_kept,
};
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

    fn authority(&self, secret: &Value) -> Result<Option<Authority>, SecretError> {
        let Held { data } = Held::deserialize(secret).map_err(|error| {
            let unreadable = ApiError::Unanswered(error.to_string());
            SecretError::Read(self.place.clone(), unreadable)
        })?;
        let data = data.unwrap_or_default();
        let kept = read_kept(text(data.key).as_deref(), text(data.certificate).as_deref());
        kept.map_err(|unusable| match unusable {
            Unusable::CertificateAlone => self.half(CERTIFICATE, KEY),
            Unusable::Damaged(source) => SecretError::Damaged(self.place.clone(), source),
            Unusable::KeyAlone => self.half(KEY, CERTIFICATE),
        })
    }

    fn half(&self, present: &'static str, absent: &'static str) -> SecretError {
        SecretError::Half {
            place: self.place.clone(),
            present,
            absent,
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

    fn requests(&self) -> Request {
        Request::new(self.api.resource_url())
    }

    fn name(&self) -> &str {
        self.place.name.as_str()
    }
}

/// What is read of a Secret.
#[derive(Deserialize)]
struct Held {
    data: Option<Data>,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(rename = "ca.crt")]
    certificate: Option<ByteString>,
    #[serde(rename = "ca.key")]
    key: Option<ByteString>,
}

impl Keeper for AuthoritySecret {
    type Version = Value;
    type Error = SecretError;

    async fn read(&self) -> Result<Kept<Value>, SecretError> {
        let secret = call(self.get()).await.map_err(|error| match error {
            ApiError::NotFound(_) => SecretError::Absent(self.place.clone()),
            error => SecretError::Read(self.place.clone(), error),
        })?;
        Ok(Kept {
            authority: self.authority(&secret)?,
            version: secret,
        })
    }

    async fn write(
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
}

/// Why the Secret keeps no authority for us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// There is no such Secret.
    #[error("there is no Secret {0}: make it, empty, as the chart does")]
    Absent(ObjectRef),
    /// It holds something else.
    #[error(
        "the Secret {0} holds no certificate authority, and is left as it is: restore {CERTIFICATE} \
         and {KEY}, or remove both"
    )]
    Damaged(ObjectRef, #[source] CertificateError),
    /// One of the two keys is missing.
    #[error(
        "the Secret {place} has {present} without {absent}, and is left as it is: restore \
         {absent}, or remove {present} too"
    )]
    Half {
        place: ObjectRef,
        /// The key that is there.
        present: &'static str,
        /// The key that is not.
        absent: &'static str,
    },
    /// It cannot be read.
    #[error("failed to read the Secret {0}")]
    Read(ObjectRef, #[source] ApiError),
    /// It cannot be written.
    #[error("failed to write the certificate authority to the Secret {0}")]
    Write(ObjectRef, #[source] ApiError),
}

/// Returns an entry as a text; an empty one counts as absent.
fn text(entry: Option<ByteString>) -> Option<String> {
    let ByteString(bytes) = entry?;
    Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.trim().is_empty())
}

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
