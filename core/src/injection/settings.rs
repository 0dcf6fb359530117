//! What an installation decides once for all pods.

use std::{net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::EnumString;
use thiserror::Error;

use super::{
    container::{CONTAINER, TOKEN_FILE_VARIABLE},
    resources::Resources,
    scope::Scope,
};
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
    pub run_as_user: Option<NonRootUser>,
    /// Whether a controller keeps signals true.
    pub controller: Controller,
    /// Whether the controller may read Secrets.
    pub reads_secrets: bool,
    /// How pods prove to the store who they are.
    pub proof: Proof,
    /// The namespace of oncue's own pods, which are never injected.
    pub own_namespace: Option<Namespace>,
    /// Which other namespaces' pods are sent for admission.
    pub scope: Scope,
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
            reads_secrets: true,
            proof: Proof::None,
            own_namespace: None,
            scope: Scope::default(),
        }
    }

    /// Returns whether no pod of this namespace is ever injected.
    pub fn leaves_out(&self, namespace: &Namespace) -> bool {
        self.own_namespace.as_ref() == Some(namespace) || self.scope.excludes(namespace)
    }

    /// Returns the label that injected pods get.
    pub fn managed_label(&self) -> String {
        managed_label(&self.keys)
    }
}

/// Returns the label by which a controller finds the pods that it has to look after.
pub fn managed_label(keys: &Keys) -> String {
    format!("{}/managed", keys.prefix())
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

/// A user that `runAsNonRoot` accepts, and that Kubernetes does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32")]
pub struct NonRootUser(u32);

impl NonRootUser {
    /// The user that takes the place of root.
    pub(crate) const DEFAULT: Self = Self(65532);

    /// The highest uid that Kubernetes accepts.
    const MAX: u32 = i32::MAX.unsigned_abs();
}

impl TryFrom<u32> for NonRootUser {
    type Error = NonRootUserError;

    fn try_from(uid: u32) -> Result<Self, NonRootUserError> {
        match uid {
            1..=Self::MAX => Ok(Self(uid)),
            _ => Err(NonRootUserError {
                text: uid.to_string(),
            }),
        }
    }
}

impl FromStr for NonRootUser {
    type Err = NonRootUserError;

    fn from_str(text: &str) -> Result<Self, NonRootUserError> {
        let uid: Option<u32> = text.parse().ok();
        let user = uid.and_then(|uid| uid.try_into().ok());
        user.ok_or_else(|| NonRootUserError {
            text: text.to_owned(),
        })
    }
}

/// A text that is not the uid of such a user.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{text:?} is not the uid of a user for the injected container: it is a number from 1 to {}, \
     since root is refused",
    NonRootUser::MAX
)]
pub struct NonRootUserError {
    text: String,
}

/// When the kubelet pulls an image, as Kubernetes writes it.
#[derive(Clone, Copy, Debug, EnumString, Eq, PartialEq, Serialize)]
#[strum(parse_err_fn = not_a_policy, parse_err_ty = PullPolicyError)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// If the node does not have it.
    IfNotPresent,
    /// Never.
    Never,
}

fn not_a_policy(text: &str) -> PullPolicyError {
    PullPolicyError {
        text: text.to_owned(),
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

impl StoreAddress {
    /// Returns whether the store speaks TLS, and nothing is known to verify it by.
    pub fn lacks_ca(&self) -> bool {
        self.url.starts_with("https://") && self.ca_pem.is_none()
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
    /// One runs that opens no gates: a pod behind one is refused.
    WithoutGates,
}

/// How pods prove to the store who they are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Proof {
    /// Not at all: the store takes their word.
    #[default]
    None,
    /// By a token of their service account that is for the store only.
    Token,
}

impl Proof {
    /// Returns how a pod that was injected proves who it is; `None` if our container is not in it.
    pub fn of_pod(pod: &Value) -> Option<Self> {
        let ours = named(&pod["spec"]["initContainers"], CONTAINER)?;
        Some(match named(&ours["env"], TOKEN_FILE_VARIABLE) {
            Some(_) => Self::Token,
            None => Self::None,
        })
    }
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array()?.iter().find(|it| it["name"] == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_never_root_and_one_that_kubernetes_knows() {
        for good in ["1", "65532", "2147483647"] {
            assert!(good.parse::<NonRootUser>().is_ok(), "{good}");
        }
        for bad in ["0", "2147483648", "-1", "nobody", ""] {
            let error = bad.parse::<NonRootUser>().unwrap_err().to_string();
            assert!(error.contains("from 1 to 2147483647"), "{error}");
        }
    }
}
