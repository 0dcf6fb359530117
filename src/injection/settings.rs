//! What an installation decides once for all pods.

use std::{net::IpAddr, str::FromStr};

use thiserror::Error;

use super::resources::Resources;
use crate::language::{Keys, Namespace};

/// What an installation decides once for all pods.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How annotation keys are written.
    pub keys: Keys,
    /// The image of the injected container.
    pub image: Image,
    /// Where the injected container finds the store.
    pub store: StoreAddress,
    /// The injected container's requests and limits.
    pub resources: Resources,
    /// The injected container's user, where it is fixed.
    pub run_as_user: Option<u32>,
    /// Whether a controller keeps signals true.
    pub controller: Controller,
    /// The namespace of oncue's own pods, which are never injected.
    pub own_namespace: Option<Namespace>,
}

impl Settings {
    /// Returns the settings of an installation without a controller and with every default.
    pub fn new(image: Image, store: StoreAddress) -> Self {
        Self {
            keys: Keys::default(),
            image,
            store,
            resources: Resources::default(),
            run_as_user: None,
            controller: Controller::Absent,
            own_namespace: None,
        }
    }
}

/// The image of the injected container, whose only file is the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image {
    /// Its reference, best by digest.
    pub reference: String,
    /// When the kubelet pulls it; the cluster's default where none is set.
    pub pull_policy: Option<PullPolicy>,
    /// Secrets that are appended to the pod's own.
    pub pull_secrets: Vec<String>,
}

impl Image {
    /// Returns an image that is pulled as the cluster does by default, without secrets.
    pub fn new(reference: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            pull_policy: None,
            pull_secrets: Vec::new(),
        }
    }
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// Where the node lacks it.
    IfNotPresent,
    /// Never.
    Never,
}

impl PullPolicy {
    const ALL: [Self; 3] = [Self::Always, Self::IfNotPresent, Self::Never];

    /// Returns the policy as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

impl FromStr for PullPolicy {
    type Err = PullPolicyError;

    fn from_str(text: &str) -> Result<Self, PullPolicyError> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| PullPolicyError {
                text: text.to_owned(),
            })
    }
}

/// A text that is not a pull policy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a pull policy: it is one of Always, IfNotPresent, Never")]
pub struct PullPolicyError {
    text: String,
}

/// Where the injected container finds the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreAddress {
    /// The URL; in a cluster its host is a fully qualified name with a trailing dot.
    pub url: String,
    /// The `ClusterIP`, for pods that resolve no cluster names.
    pub fallback_ip: Option<IpAddr>,
    /// The CA's certificate, where the store speaks TLS.
    pub ca_pem: Option<String>,
}

impl StoreAddress {
    /// Returns the address of a store that is reached by `url` alone.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            fallback_ip: None,
            ca_pem: None,
        }
    }
}

/// Whether a controller runs that keeps signals true.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Controller {
    /// None runs: live signals stay until they are deleted, and what needs one is refused.
    #[default]
    Absent,
    /// One runs.
    Present,
}
