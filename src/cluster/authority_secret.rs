//! The certificate authority in a Secret, which all replicas share.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, Client, api::PostParams};
use oncue_webhook_certs::{
    Authority, CertificateError, Keeper, Kept, Unusable, Written, read_kept,
};

use super::{ApiError, FIELD_MANAGER, call};
use crate::config::ObjectRef;

/// A Secret that keeps a certificate authority in `ca.crt` and `ca.key`.
///
/// It must exist, empty at first, so that no permission to create Secrets is needed. A write is an
/// update that the API server rejects if the Secret changed since it was read.
#[derive(Clone, Debug)]
pub struct AuthoritySecret {
    api: Api<Secret>,
    place: ObjectRef,
}

impl AuthoritySecret {
    /// Names the Secret.
    pub fn new(client: Client, place: ObjectRef) -> Self {
        Self {
            api: Api::namespaced(client, place.namespace.as_str()),
            place,
        }
    }

    fn authority(&self, secret: &Secret) -> Result<Option<Authority>, SecretError> {
        let text = |key| secret.data.as_ref().and_then(|data| text(data, key));
        let kept = read_kept(text(KEY).as_deref(), text(CERTIFICATE).as_deref());
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
}

impl Keeper for AuthoritySecret {
    type Version = Secret;
    type Error = SecretError;

    async fn read(&self) -> Result<Kept<Secret>, SecretError> {
        let secret =
            call(self.api.get(self.place.name.as_str()))
                .await
                .map_err(|error| match error {
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
        mut secret: Secret,
    ) -> Result<Written, SecretError> {
        let data = secret.data.get_or_insert_default();
        for (key, text) in [
            (KEY, authority.key().to_pem()),
            (CERTIFICATE, authority.bundle_pem()),
        ] {
            data.insert(key.to_owned(), ByteString(text.into_bytes()));
        }
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let replace = self.api.replace(self.place.name.as_str(), &params, &secret);
        match call(replace).await {
            Ok(_) => Ok(Written::Done),
            Err(ApiError::Conflict(_)) => Ok(Written::Raced),
            Err(error) => Err(SecretError::Write(self.place.clone(), error)),
        }
    }
}

/// Why the Secret keeps no authority for us.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
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
        /// The Secret.
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

/// Returns what is written at `key`; an empty text says nothing.
fn text(data: &BTreeMap<String, ByteString>, key: &str) -> Option<String> {
    let ByteString(bytes) = data.get(key)?;
    Some(String::from_utf8_lossy(bytes).into_owned()).filter(|text| !text.trim().is_empty())
}

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
