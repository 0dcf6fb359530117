//! How the store learns who calls.

use std::{collections::BTreeSet, net::SocketAddr};

use serde::Deserialize;

use super::{
    error::ConfigError,
    inject::InjectSettings,
    object::{ObjectName, ObjectRef},
};
use crate::language::Namespace;

/// How the store learns who calls, as the setting names it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IdentityKind {
    /// By the tokens of Kubernetes service accounts, over TLS.
    Kubernetes,
    /// Not at all: every caller may do everything.
    #[default]
    None,
}

/// How the store learns who calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Identity {
    /// By the tokens of Kubernetes service accounts.
    Kubernetes(KubernetesIdentity),
    /// Not at all.
    None,
}

/// What an installation decides for a store that asks for tokens.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct KubernetesIdentity {
    /// The `ServiceAccount` whose tokens make an operator.
    pub(crate) operator: Option<ObjectRef>,
    /// Whether pods that were injected before may go on over plain HTTP.
    pub(crate) accepts_plain: bool,
    /// The namespaces whose variables anyone may ask for and create over plain HTTP.
    pub(crate) plain_namespaces: BTreeSet<Namespace>,
}

/// The settings of the identity.
pub(super) struct IdentitySettings {
    pub(super) kind: Option<IdentityKind>,
    pub(super) operator: Option<ObjectName>,
    pub(super) accept_plain: Option<bool>,
    pub(super) plain_namespaces: Option<Vec<Namespace>>,
}

impl IdentitySettings {
    /// Fills in the defaults.
    pub(super) fn resolve(self, inject: &InjectSettings) -> Result<Identity, ConfigError> {
        let Self {
            kind,
            operator,
            accept_plain,
            plain_namespaces,
        } = self;
        if kind.unwrap_or_default() == IdentityKind::None {
            let set = [
                ("--operator", operator.is_some()),
                ("--accept-plain", accept_plain.is_some()),
                ("--plain-namespaces", plain_namespaces.is_some()),
            ];
            let needless = set.iter().find(|(_, is_set)| *is_set);
            return match needless {
                Some((flag, _)) => Err(ConfigError::NoIdentity { flag }),
                None => Ok(Identity::None),
            };
        }
        let operator = operator.map(|name| inject.own_object("--operator", name));
        Ok(Identity::Kubernetes(KubernetesIdentity {
            operator: operator.transpose()?,
            accepts_plain: accept_plain.unwrap_or_default(),
            plain_namespaces: plain_namespaces.into_iter().flatten().collect(),
        }))
    }
}

/// Checks that a store that does not ask who calls is out of reach of others, or that this is
/// wanted.
pub(super) fn check_reach(
    identity: &Identity,
    (address, anyone_may_signal): (SocketAddr, bool),
) -> Result<(), ConfigError> {
    let is_loopback = address.ip().to_canonical().is_loopback();
    if *identity == Identity::None && !is_loopback && !anyone_may_signal {
        return Err(ConfigError::OpenToAnyone { address });
    }
    Ok(())
}
