//! Tokens of pods, and tokens that only look like some.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use k8s_openapi::{
    api::{
        authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec},
        core::v1::ServiceAccount,
    },
    jiff::Timestamp,
};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use super::{LivePod, Namespace};

/// The audience of the tokens that are meant for the store.
pub const AUDIENCE: &str = "oncue";

/// The shortest time that the API server grants, in seconds.
const SHORTEST: i64 = 600;

impl LivePod {
    /// Returns a token of this pod for an audience, as the kubelet requests it. The pod need not
    /// have started.
    pub async fn token(&self, audience: &str) -> Result<String> {
        let bound = BoundObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(self.name().to_owned()),
            uid: Some(self.uid().await?),
        };
        self.namespace().token_bound_to(audience, Some(bound)).await
    }
}

impl Namespace {
    /// Returns a token of the `ServiceAccount` `default` that is of no pod.
    pub async fn account_token(&self) -> Result<String> {
        self.token_bound_to(AUDIENCE, None).await
    }

    async fn token_bound_to(
        &self,
        audience: &str,
        bound: Option<BoundObjectReference>,
    ) -> Result<String> {
        let spec = TokenRequestSpec {
            audiences: vec![audience.to_owned()],
            bound_object_ref: bound,
            expiration_seconds: Some(SHORTEST),
        };
        Ok(request_token((self.api(), "default"), spec).await?)
    }

    /// Returns a copy of a token that expired a minute ago, signed with the cluster's own key: the
    /// API server grants no token that expires while a test runs.
    pub async fn expired_copy(&self, token: &str) -> Result<String> {
        let [header, claims, _] = parts(token)?;
        let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims)?)?;
        let now = Timestamp::now().as_second();
        for (claim, ago) in [("iat", 660), ("nbf", 660), ("exp", 60)] {
            claims[claim] = json!(now - ago);
        }
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{header}.{claims}");
        let signature = self.cluster().signature(&signed).await?;
        Ok(format!("{signed}.{signature}"))
    }
}

/// Requests a token of a `ServiceAccount`.
pub(super) async fn request_token(
    (accounts, name): (Api<ServiceAccount>, &str),
    spec: TokenRequestSpec,
) -> Result<String, kube::Error> {
    let asked = TokenRequest {
        spec,
        ..TokenRequest::default()
    };
    let params = PostParams::default();
    let made = accounts.create_token_request(name, &params, &asked);
    let status = made.await?.status;
    Ok(status.map(|status| status.token).unwrap_or_default())
}

/// Returns a token that says what `claims` says, with the signature of `signed`.
pub fn forged(claims: &str, signed: &str) -> Result<String> {
    let [header, claims, _] = parts(claims)?;
    let [.., signature] = parts(signed)?;
    Ok(format!("{header}.{claims}.{signature}"))
}

fn parts(token: &str) -> Result<[&str; 3]> {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().ok().context("a token has three parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_token_has_the_claims_of_one_and_the_signature_of_another() {
        assert_eq!(forged("a.b.c", "d.e.f").unwrap(), "a.b.f");
        assert!(forged("a.b", "d.e.f").is_err());
    }
}
