//! The request of a caller who asks who it is.

use axum::{extract::State, response::Response};
use http::StatusCode;
use oncue_core::access::{self, PodIdentity, Request};
use oncue_wire::{Identity, IdentityKind};

use super::{
    Api,
    caller::Caller,
    error::ApiError,
    query::{NoParameters, Parameters},
};
use crate::language::Owner;

pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    _: Parameters<NoParameters>,
) -> Result<Response, ApiError> {
    caller.may(&api, &Request::Identify)?;
    api.json((StatusCode::OK, None), &document(caller.identity()))
}

fn document(identity: &access::Identity) -> Identity {
    let of = |identity| Identity {
        identity,
        namespace: None,
        pod: None,
        uid: None,
        node: None,
        account: None,
    };
    match identity {
        access::Identity::Account { user } => Identity {
            account: Some(user.clone()),
            ..of(IdentityKind::Account)
        },
        access::Identity::Anonymous => of(IdentityKind::Anonymous),
        access::Identity::Operator { user } => Identity {
            account: Some(user.clone()),
            ..of(IdentityKind::Operator)
        },
        access::Identity::Pod(PodIdentity { pod, node, account }) => {
            let Owner {
                namespace,
                name,
                uid,
                kind: _,
            } = pod;
            Identity {
                identity: IdentityKind::Pod,
                namespace: Some(namespace.clone()),
                pod: Some(name.to_string()),
                uid: Some(uid.to_string()),
                node: node.as_ref().map(ToString::to_string),
                account: Some(account.to_string()),
            }
        }
    }
}
