//! Who calls the store: tokens of Kubernetes service accounts, checked by the API server.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `token` | [`Token`], a token in a request: never printed |
//! | `claims` | what a token says of itself, which only ever shortens its life |
//! | `reviewed` | what the API server says of a token: pure |
//! | `session` | [`Session`], a reviewed token, until it ends |
//! | `cache` | the sessions of the tokens that were seen, bounded |
//! | `gone` | pods that were deleted a moment ago |
//! | `suspects` | peers whose tokens were refused too often |
//! | [`Authenticator`] | asks the API server once for each token |
//! | [`ManagedPods`] | what the controller knows of pods |
//! | `metrics` | [`Metrics`], what is counted |

mod authenticator;
mod cache;
mod claims;
mod gone;
mod managed_pods;
mod metrics;
mod reviewed;
mod session;
mod suspects;
mod token;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use oncue_core::access::Rules;

pub use self::{
    authenticator::{AuthError, Authenticator},
    managed_pods::{ManagedPods, Wish},
    metrics::Metrics,
    session::Session,
    token::{Token, TokenError},
};

/// How a store decides who may do what.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// By the identity of the caller.
    Identified(Arc<Guard>),
    /// Every caller may do everything.
    #[default]
    Open,
}

/// What a store needs to decide by the identity of the caller.
#[derive(Debug)]
pub struct Guard {
    /// What callers without a token may do.
    pub rules: Rules,
    /// Tells who calls.
    pub authenticator: Authenticator,
    /// What the controller knows of pods.
    pub pods: ManagedPods,
}

pub(crate) use self::authenticator::Making;

/// The audience of the tokens that are meant for the store.
pub(crate) const AUDIENCE: &str = "oncue";
