//! Who calls, and what the caller may do.

use std::{sync::Arc, time::Duration};

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::request::Parts;
use oncue_core::access::{Allowed, Channel, Identity, Refusal, Request, Vouched};

use super::{Api, audit::Refused, error::ApiError};
use crate::{
    cross_namespace::{self, Asked, Read},
    identity::{AuthError, Guard, Session, Token, Wish},
    language::{Namespace, Owner},
    net::Peer,
};

/// The caller of a request.
#[derive(Debug)]
pub(super) struct Caller {
    /// None without a token, or if the store does not ask for one.
    session: Option<Arc<Session>>,
    channel: Channel,
    /// None in a process that calls itself.
    peer: Option<Peer>,
}

impl Caller {
    /// Returns who calls.
    pub(super) fn identity(&self) -> &Identity {
        let session = self.session.as_ref();
        session.map_or(&Identity::Anonymous, |session| &session.identity)
    }

    /// Returns what opened the request, and ends what it holds.
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// Returns where the request comes from.
    pub(super) fn peer(&self) -> Option<Peer> {
        self.peer
    }

    /// Returns the namespace that is meant if a request names none: that of the pod.
    pub(super) fn namespace(&self) -> Namespace {
        let pod = self.session.as_ref().and_then(|session| session.pod());
        pod.map_or_else(Namespace::default, |pod| pod.namespace.clone())
    }

    /// Returns how a request is carried out.
    ///
    /// # Errors
    /// [`ApiError::Refused`] if the caller may not do this; the refusal is logged and counted.
    pub(super) fn may(&self, api: &Api, request: &Request<'_>) -> Result<Allowed, ApiError> {
        let Some(guard) = api.guard() else {
            return Ok(Allowed::AsAsked);
        };
        let caller = (self.identity(), self.channel);
        guard.rules.decide(caller, request).map_err(|refusal| {
            api.refused(Refused {
                who: self.identity(),
                what: &super::audit::described(request),
                peer: self.peer,
                reason: refusal.label(),
            });
            ApiError::Refused(refusal)
        })
    }

    /// Checks that the caller may read this of a namespace.
    ///
    /// # Errors
    /// As [`may`](Self::may).
    pub(super) fn may_read(
        &self,
        api: &Api,
        namespace: &Namespace,
        asked: Asked,
    ) -> Result<(), ApiError> {
        let forbidden = self.forbidden(api, namespace, asked);
        let request = Request::Read {
            namespace: Some(namespace),
            forbidden: forbidden.as_ref(),
        };
        self.may(api, &request).map(drop)
    }

    /// Checks that the caller may read what is in all namespaces.
    ///
    /// # Errors
    /// As [`may`](Self::may).
    pub(super) fn may_read_all(&self, api: &Api) -> Result<(), ApiError> {
        let request = Request::Read {
            namespace: None,
            forbidden: None,
        };
        self.may(api, &request).map(drop)
    }

    /// Returns why the policy for other namespaces forbids a pod to read this.
    pub(super) fn forbidden(
        &self,
        api: &Api,
        namespace: &Namespace,
        asked: Asked,
    ) -> Option<cross_namespace::Refusal> {
        let read = Read {
            by: &self.session.as_ref()?.pod()?.namespace,
            of: namespace,
            asked,
        };
        api.store().may_read(&read).err()
    }

    /// Returns the namespace for which a request counts that reads `namespace`: that of the pod.
    pub(super) fn payer(&self, namespace: &Namespace) -> Namespace {
        let pod = self.session.as_ref().and_then(|session| session.pod());
        pod.map_or(namespace, |pod| &pod.namespace).clone()
    }

    /// Returns what the controller knows of the pod in whose name a caller without a token wants
    /// something.
    pub(super) fn vouched(&self, api: &Api, (pod, wish): (Option<&Owner>, Wish<'_>)) -> Vouched {
        match api.guard() {
            Some(guard) if self.session.is_none() && guard.rules.accepts_plain => {
                guard.pods.vouch(pod, wish, api.store().now())
            }
            _ => Vouched::No,
        }
    }
}

impl Api {
    /// Returns for how long a session is known to be valid.
    pub(super) fn time_left(&self, session: &Session) -> Duration {
        let until = self
            .guard()
            .map(|guard| guard.authenticator.valid_until(session));
        until.map_or(Duration::MAX, |until| until.since(self.store().now()))
    }

    /// Waits until a session is not valid any more.
    pub(super) async fn session_ended(self, session: Arc<Session>) {
        let time_left = self.time_left(&session);
        // The future is not to keep the store.
        drop(self);
        tokio::select! {
            () = tokio::time::sleep(time_left) => {}
            () = session.ended() => {}
        }
    }
}

impl<S> FromRequestParts<S> for Caller
where
    Api: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let api = Api::from_ref(state);
        let channel = parts.extensions.get().copied().unwrap_or(Channel::Plain);
        let peer = parts.extensions.get().copied();
        let Some(guard) = api.guard() else {
            return Ok(Self {
                session: None,
                channel,
                peer,
            });
        };
        match authenticate((guard, &api), parts, channel).await {
            Ok(session) => Ok(Self {
                session,
                channel,
                peer,
            }),
            Err(error) => {
                api.refused(Refused {
                    who: &Identity::Anonymous,
                    what: &route(parts),
                    peer,
                    reason: error.reason(),
                });
                Err(error)
            }
        }
    }
}

/// Returns whose token a request has; `None` if it has none.
async fn authenticate(
    (guard, api): (&Guard, &Api),
    parts: &Parts,
    channel: Channel,
) -> Result<Option<Arc<Session>>, ApiError> {
    let token = Token::of_headers(&parts.headers);
    let token = token.map_err(|error| ApiError::Unauthenticated(AuthError::Token(error)))?;
    let Some(token) = token else {
        return Ok(None);
    };
    if !channel.takes_tokens() {
        return Err(ApiError::Refused(Refusal::TokenInTheClear));
    }
    let origin = (Peer::address(&parts.extensions), api.store().now());
    let session = guard.authenticator.authenticate(token, origin).await;
    session.map(Some).map_err(ApiError::Unauthenticated)
}

/// Returns the method and the route of a request, without what its path and query say.
fn route(parts: &Parts) -> String {
    let path = parts.extensions.get::<MatchedPath>();
    let path = path.map_or("an unknown path", MatchedPath::as_str);
    format!("{} {path}", parts.method)
}
