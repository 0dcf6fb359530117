//! What the API server says of a token.

use k8s_openapi::api::authentication::v1::{TokenReviewStatus, UserInfo};
use oncue_core::access::{Identity, PodIdentity};

use super::{AUDIENCE, TokenError};
use crate::language::{Namespace, Owner};

/// Who has a token, as the API server says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reviewed {
    pub(super) identity: Identity,
    /// The id of the token in the API server's own audit log.
    pub(super) credential: Option<Box<str>>,
}

/// Returns who has the token; `operator` is the user name of the operator's account.
///
/// # Errors
/// [`TokenError`] if it is not valid, or not for us.
pub(super) fn read(
    status: TokenReviewStatus,
    operator: Option<&str>,
) -> Result<Reviewed, TokenError> {
    let TokenReviewStatus {
        authenticated,
        audiences,
        user,
        error,
    } = status;
    if authenticated != Some(true) {
        return Err(refusal(&error.unwrap_or_default()));
    }
    // An authenticator that knows no audiences names none: the token may be anyone's.
    let is_meant = audiences.is_some_and(|all| all.iter().any(|it| it == AUDIENCE));
    if !is_meant {
        return Err(TokenError::OtherAudience);
    }
    let user = user.unwrap_or_default();
    Ok(Reviewed {
        credential: extra(&user, CREDENTIAL).map(Into::into),
        identity: identity(user, operator),
    })
}

/// Returns what the API server's text means; the text itself may quote the token.
fn refusal(error: &str) -> TokenError {
    if error.contains("expired") {
        TokenError::Expired
    } else if error.contains("audience") {
        TokenError::OtherAudience
    } else {
        TokenError::Refused
    }
}

/// A token that is bound to a pod is always that pod's, whatever its account.
fn identity(user: UserInfo, operator: Option<&str>) -> Identity {
    if let Some(pod) = pod(&user) {
        return Identity::Pod(pod);
    }
    let user = user.username.unwrap_or_default();
    if operator == Some(&*user) {
        Identity::Operator { user }
    } else {
        Identity::Account { user }
    }
}

fn pod(user: &UserInfo) -> Option<PodIdentity> {
    let account = user.username.as_deref()?.strip_prefix(ACCOUNT)?;
    let (namespace, account) = account.split_once(':')?;
    let namespace: Namespace = namespace.parse().ok()?;
    let (name, uid) = (extra(user, POD_NAME)?, extra(user, POD_UID)?);
    Some(PodIdentity {
        pod: Owner::pod(namespace, name, uid),
        node: extra(user, NODE_NAME).map(Into::into),
        account: account.into(),
    })
}

/// Returns the one value of a key.
fn extra<'a>(user: &'a UserInfo, key: &str) -> Option<&'a str> {
    match user.extra.as_ref()?.get(key)?.as_slice() {
        [value] if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// Returns the user name of a `ServiceAccount`.
pub(super) fn account_user(namespace: &str, name: &str) -> String {
    format!("{ACCOUNT}{namespace}:{name}")
}

const ACCOUNT: &str = "system:serviceaccount:";
const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OPERATOR: &str = "system:serviceaccount:oncue-system:oncue-operator";

    fn review(status: Value) -> Result<Identity, TokenError> {
        let status = serde_json::from_value(status).unwrap();
        read(status, Some(OPERATOR)).map(|it| it.identity)
    }

    fn accepted(username: &str, extra: &Value) -> Value {
        json!({
            "authenticated": true, "audiences": ["oncue"],
            "user": {"username": username, "uid": "1", "groups": ["system:serviceaccounts"], "extra": extra},
        })
    }

    fn mk_extra() -> Value {
        json!({POD_NAME: ["web-0"], POD_UID: ["u-1"], NODE_NAME: ["worker"], CREDENTIAL: ["JTI=7"]})
    }

    #[test]
    fn a_token_that_is_bound_to_a_pod_is_that_pods() {
        let expected = |node: Option<&str>| {
            Identity::Pod(PodIdentity {
                pod: Owner::pod("shop".parse().unwrap(), "web-0", "u-1"),
                node: node.map(Into::into),
                account: "default".into(),
            })
        };
        let user = "system:serviceaccount:shop:default";
        let pod = review(accepted(user, &mk_extra()));
        assert_eq!(pod, Ok(expected(Some("worker"))));
        // API servers before 1.30 do not name the node.
        let mut extra = mk_extra();
        extra.as_object_mut().unwrap().remove(NODE_NAME);
        assert_eq!(review(accepted(user, &extra)), Ok(expected(None)));
        // One of the operator's account too.
        let operator = review(accepted(OPERATOR, &mk_extra()));
        assert!(matches!(operator, Ok(Identity::Pod(_))), "{operator:?}");
    }

    #[test]
    fn other_tokens_are_an_operators_or_of_an_account_that_may_do_nothing() {
        let operator = Identity::Operator {
            user: OPERATOR.to_owned(),
        };
        assert_eq!(review(accepted(OPERATOR, &json!({}))), Ok(operator));
        let half = json!({POD_NAME: ["web-0"]});
        let several = json!({POD_NAME: ["web-0", "web-1"], POD_UID: ["u-1"]});
        let empty = json!({POD_NAME: [""], POD_UID: ["u-1"]});
        for (user, extra) in [
            ("system:serviceaccount:shop:default", &json!({})),
            ("system:serviceaccount:shop:default", &half),
            ("system:serviceaccount:shop:default", &several),
            ("system:serviceaccount:shop:default", &empty),
            ("system:serviceaccount:SHOP:default", &mk_extra()),
            ("system:serviceaccount:shop", &mk_extra()),
            ("jane", &mk_extra()),
            ("", &json!({})),
        ] {
            let user_of = Identity::Account {
                user: user.to_owned(),
            };
            assert_eq!(review(accepted(user, extra)), Ok(user_of), "{user}");
        }
    }

    #[test]
    fn keeps_the_id_of_the_token_in_the_log_of_the_api_server() {
        let status = serde_json::from_value(accepted(OPERATOR, &mk_extra())).unwrap();
        let reviewed = read(status, None).unwrap();
        assert_eq!(reviewed.credential.as_deref(), Some("JTI=7"));
    }

    #[test]
    fn what_the_api_server_does_not_accept_for_us_is_refused_with_a_reason() {
        let foreign = json!({"authenticated": true, "audiences": ["api"], "user": {}});
        let none = json!({"authenticated": true, "user": {}});
        for (status, error) in [
            (json!({}), TokenError::Refused),
            (json!({"authenticated": false}), TokenError::Refused),
            (
                json!({"error": "[invalid bearer token, token lookup failed]"}),
                TokenError::Refused,
            ),
            (
                json!({"error": "[invalid bearer token, service account token has expired]"}),
                TokenError::Expired,
            ),
            (
                json!({"error": "token audiences [\"a\"] is invalid for the target audiences"}),
                TokenError::OtherAudience,
            ),
            (foreign, TokenError::OtherAudience),
            (none, TokenError::OtherAudience),
        ] {
            assert_eq!(review(status.clone()), Err(error), "{status}");
        }
    }
}
