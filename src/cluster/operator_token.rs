//! A token of the account by which the store knows its operators.

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};

use super::{ApiError, call};
use crate::config::ObjectRef;

/// How long a token lasts, in seconds: the shortest time that the API server allows.
const SECONDS: i64 = 600;

/// Requests a token of `account` that only stores of oncue take.
///
/// The user's own permissions decide: anyone who may create tokens of this account is an operator.
pub(crate) async fn operator_token(
    client: &Client,
    account: &ObjectRef,
) -> Result<String, OperatorTokenError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), account.namespace.as_str());
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec!["oncue".to_owned()],
            expiration_seconds: Some(SECONDS),
            bound_object_ref: None,
        },
        ..TokenRequest::default()
    };
    let params = PostParams::default();
    let granted = api.create_token_request(account.name.as_str(), &params, &request);
    match call(granted).await {
        Ok(granted) => {
            let token = granted.status.map(|status| status.token);
            token.ok_or_else(|| OperatorTokenError::Empty(account.clone()))
        }
        Err(error @ ApiError::Forbidden(_)) => {
            Err(OperatorTokenError::NoOperator(account.clone(), error))
        }
        Err(error) => Err(OperatorTokenError::Request(account.clone(), error)),
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorTokenError {
    /// The API server answered without one.
    #[error("the API server issued no token of the ServiceAccount {0}")]
    Empty(ObjectRef),
    /// The user may not have one.
    #[error(
        "you are not an operator of oncue: {1}. Ask for the permission to create \
         serviceaccounts/token of the ServiceAccount {0}, or for a token of it for --token-file"
    )]
    NoOperator(ObjectRef, ApiError),
    /// The API server did not issue one.
    #[error("failed to request a token of the ServiceAccount {0}: {1}")]
    Request(ObjectRef, ApiError),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    async fn request(code: u16, body: Value) -> Result<String, String> {
        let (client, server) = mk_client();
        let server = answer(server, vec![(code, body)]);
        let account = ObjectRef {
            namespace: "oncue-system".parse().unwrap(),
            name: "oncue-operator".parse().unwrap(),
        };
        let granted = operator_token(&client, &account).await;
        drop(client);
        let path = "/api/v1/namespaces/oncue-system/serviceaccounts/oncue-operator/token";
        assert!(server.await.unwrap()[0].starts_with(path));
        granted.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_token_of_the_account_is_requested() {
        let granted = json!({
            "metadata": {}, "spec": {"audiences": ["oncue"]},
            "status": {"token": "t", "expirationTimestamp": "2026-01-01T00:00:00Z"},
        });
        assert_eq!(request(201, granted).await.as_deref(), Ok("t"));
        let empty = json!({"metadata": {}, "spec": {"audiences": ["oncue"]}});
        assert!(request(201, empty).await.unwrap_err().contains("no token"));
    }

    #[tokio::test]
    async fn who_may_not_is_told_what_to_ask_for() {
        let words = "User \"x\" cannot create resource \"serviceaccounts/token\"";
        let status = json!({"kind": "Status", "status": "Failure", "message": words,
                            "reason": "Forbidden", "code": 403});
        let error = request(403, status).await.unwrap_err();
        for part in [
            words,
            "not an operator",
            "oncue-system/oncue-operator",
            "--token-file",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(error.matches(words).count(), 1, "{error}");
    }
}
