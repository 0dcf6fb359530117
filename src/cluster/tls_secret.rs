//! A certificate in a Secret, which somebody else issues and renews.

use std::time::SystemTime;

use kube::{Client, api::GetParams, core::Request};
use oncue_webhook_certs::{Given, Stored, Unusable, given::GivenPem};
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::{ApiError, authority_secret::text, call};
use crate::config::ObjectRef;

/// A Secret of the type `kubernetes.io/tls` with `tls.crt`, `tls.key` and `ca.crt`, as cert-manager
/// writes it.
#[derive(Clone)]
pub(crate) struct TlsSecret {
    client: Client,
    place: ObjectRef,
}

impl TlsSecret {
    /// Names the Secret.
    pub(crate) fn new(client: Client, place: ObjectRef) -> Self {
        Self { client, place }
    }

    /// Reads the certificate of a server with these names.
    pub(crate) async fn read(&self, names: &[ServerName<'_>]) -> Result<Stored, TlsSecretError> {
        let secret = call(self.get()).await.map_err(|error| match error {
            ApiError::NotFound(_) => TlsSecretError::Absent(self.place.clone()),
            error => TlsSecretError::Read(self.place.clone(), error),
        })?;
        let (certificate, key) = (self.text(&secret, "tls.crt"), self.text(&secret, "tls.key"));
        let authority = self.text(&secret, "ca.crt");
        let (certificate, key, authority) = match (certificate, key, authority) {
            (Ok(certificate), Ok(key), Ok(authority)) => (certificate, key, authority),
            (Err(absent), ..) | (_, Err(absent), _) | (.., Err(absent)) => {
                return Ok(Stored::Unusable(absent));
            }
        };
        let pem = GivenPem {
            certificate: &certificate,
            key: &key,
            authority: &authority,
        };
        Ok(match Given::from_pem(pem, (names, SystemTime::now())) {
            Ok(given) => given.into(),
            Err(error) => Stored::Unusable(Unusable::new(format!(
                "the certificate in the Secret {} cannot be served: {}",
                self.place,
                error.told()
            ))),
        })
    }

    fn text(&self, secret: &Value, entry: &str) -> Result<String, Unusable> {
        text(secret, entry).ok_or_else(|| {
            let place = &self.place;
            Unusable::new(format!(
                "the Secret {place} has no {entry}: it needs tls.crt, tls.key and ca.crt (the \
                 certificate authority that clients verify with)"
            ))
        })
    }

    async fn get(&self) -> Result<Value, kube::Error> {
        let namespace = self.place.namespace.as_str();
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        let request = Request::new(path).get(self.place.name.as_str(), &GetParams::default());
        let request = request.map_err(kube::Error::BuildRequest)?;
        self.client.request(request).await
    }
}

/// Why the Secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsSecretError {
    /// There is no such Secret.
    #[error(
        "there is no Secret {0}: create it with tls.crt, tls.key and ca.crt, or see why \
         cert-manager did not (kubectl describe certificate)"
    )]
    Absent(ObjectRef),
    /// It cannot be read.
    #[error("failed to read the Secret {0}")]
    Read(ObjectRef, #[source] ApiError),
}
