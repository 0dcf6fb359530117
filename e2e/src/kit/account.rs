//! The API server as one of oncue's own `ServiceAccounts` sees it.

use anyhow::Result;
use http::Request;
use k8s_openapi::api::{
    authentication::v1::TokenRequestSpec,
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams, config::AuthInfo};
use serde_json::{Value, json};

use super::{Manifest, Namespace, eventually, tokens::request_token};
use crate::cluster::SYSTEM;

/// A client with the token of a `ServiceAccount` of oncue, as an attacker in its pod has it.
#[derive(Clone)]
pub struct Account {
    client: Client,
    name: String,
}

impl Account {
    /// Requests a token of the `ServiceAccount` of this name in oncue's namespace.
    pub async fn of_oncue(name: &str) -> Result<Self> {
        let system = Namespace::existing(SYSTEM).await?;
        let token = request_token((system.api(), name), TokenRequestSpec::default()).await?;
        let mut config = system.cluster().config().await?;
        config.auth_info = AuthInfo {
            token: Some(token.into()),
            ..AuthInfo::default()
        };
        Ok(Self {
            client: Client::try_from(config)?,
            name: name.to_owned(),
        })
    }

    /// Sends a request, and returns the answer.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Value, kube::Error> {
        self.client.request(request).await
    }

    /// Returns whether RBAC lets it do this, with any object.
    pub async fn may(&self, rights: ResourceAttributes) -> Result<bool> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(rights),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &review).await?;
        Ok(review.status.is_some_and(|status| status.allowed))
    }

    /// Gives it all rights in a namespace, and waits until RBAC knows that.
    pub async fn reigns_in(&self, ns: &Namespace) -> Result<()> {
        let role = "everything";
        ns.create_object(Manifest::new(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": role},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        })))
        .await?;
        ns.create_object(Manifest::new(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [self.subject()],
        })))
        .await?;
        let deletion = ResourceAttributes {
            namespace: Some(ns.name().to_owned()),
            verb: Some("delete".to_owned()),
            resource: Some("pods".to_owned()),
            ..ResourceAttributes::default()
        };
        self.gets(deletion).await
    }

    /// Waits until RBAC lets it do this.
    pub async fn gets(&self, rights: ResourceAttributes) -> Result<()> {
        eventually(&format!("{} has {rights:?}", self.name), async || {
            Ok(self.may(rights.clone()).await?.then_some(()))
        })
        .await
    }

    /// Returns it as the subject of a `RoleBinding`.
    pub fn subject(&self) -> Value {
        json!({"kind": "ServiceAccount", "name": self.name, "namespace": SYSTEM})
    }
}
