//! Who may do what in the store: a pure table of (identity, channel, request).
//!
//! A store without identity has no table: every caller may do everything.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `identity` | [`Identity`], who calls |
//! | `request` | [`Request`], what the caller wants |
//! | `refusal` | [`Refusal`], with what to do about it |

mod identity;
mod refusal;
mod request;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use oncue_language::{Namespace, Owner};

pub use self::{
    identity::{Identity, PodIdentity},
    refusal::{Refusal, RefusalKind},
    request::{Channel, Request, Vouched},
};

/// What an installation allows to callers without a token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// Whether pods that were injected before the store asked for tokens may wait and signal over
    /// plain HTTP.
    pub accepts_plain: bool,
    /// The namespaces in which anyone may ask for variables and create them.
    pub plain_namespaces: BTreeSet<Namespace>,
}

/// How a request is carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Allowed {
    /// In the name of this pod, whatever the request says.
    AsPod(Owner),
    /// As it says.
    AsAsked,
}

impl Rules {
    /// Decides about a request of a caller.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn decide(
        &self,
        (identity, channel): (&Identity, Channel),
        request: &Request<'_>,
    ) -> Result<Allowed, Refusal> {
        match identity {
            Identity::Anonymous => self.decide_for_anyone(channel, request),
            _ if !channel.takes_tokens() => Err(Refusal::TokenInTheClear),
            Identity::Account { user } => decide_for_account(user, request),
            Identity::Operator { .. } => decide_for_operator(request),
            Identity::Pod(pod) => decide_for_pod(pod, request),
        }
    }

    fn decide_for_anyone(
        &self,
        channel: Channel,
        request: &Request<'_>,
    ) -> Result<Allowed, Refusal> {
        match request {
            Request::Create { namespace } | Request::Exists { namespace, .. }
                if self.plain_namespaces.contains(*namespace) =>
            {
                Ok(Allowed::AsAsked)
            }
            Request::Assert { vouched, .. } | Request::Wait { vouched, .. }
                if self.accepts_plain && channel == Channel::Plain =>
            {
                vouched.allow()
            }
            Request::Assert { .. } | Request::Wait { .. } if channel == Channel::Plain => {
                Err(Refusal::PlainPod)
            }
            _ if channel == Channel::Plain => Err(Refusal::PlainHttp),
            _ => Err(Refusal::NoToken),
        }
    }
}

fn decide_for_account(user: &str, request: &Request<'_>) -> Result<Allowed, Refusal> {
    match request {
        Request::Identify => Ok(Allowed::AsAsked),
        _ => Err(Refusal::UnknownAccount {
            user: user.to_owned(),
        }),
    }
}

fn decide_for_operator(request: &Request<'_>) -> Result<Allowed, Refusal> {
    match request {
        Request::Assert { owner: Some(_), .. } => Err(Refusal::OwnerByHand),
        _ => Ok(Allowed::AsAsked),
    }
}

fn decide_for_pod(
    PodIdentity { pod, .. }: &PodIdentity,
    request: &Request<'_>,
) -> Result<Allowed, Refusal> {
    let in_own = |namespace: &Namespace| {
        let is_own = *namespace == pod.namespace;
        is_own.then_some(()).ok_or_else(|| Refusal::OtherNamespace {
            own: pod.namespace.clone(),
            other: namespace.clone(),
        })
    };
    match request {
        Request::Assert {
            namespace, owner, ..
        } => {
            in_own(namespace)?;
            match owner {
                Some(named) if *named != pod => Err(Refusal::OtherOwner {
                    own: pod.name.to_string(),
                    named: named.name.to_string(),
                }),
                _ => Ok(Allowed::AsPod(pod.clone())),
            }
        }
        Request::Create { namespace } | Request::Delete { namespace } => {
            in_own(namespace).map(|()| Allowed::AsAsked)
        }
        Request::Exists { forbidden, .. }
        | Request::Read {
            namespace: Some(_),
            forbidden,
        } => match forbidden {
            Some(forbidden) => Err(Refusal::UnreadableNamespace((*forbidden).clone())),
            None => Ok(Allowed::AsAsked),
        },
        Request::Identify => Ok(Allowed::AsAsked),
        Request::Metrics
        | Request::Read {
            namespace: None, ..
        } => Err(Refusal::OperatorsOnly),
        Request::Wait { namespace, .. } => in_own(namespace).map(|()| Allowed::AsPod(pod.clone())),
    }
}
