//! The roles of a process, and the backend of its store.

use std::str::FromStr;

use serde::Deserialize;

/// A role of a process.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub enum Role {
    /// Watches the cluster, and keeps variables true.
    Controller,
    /// Keeps variables and holds waiters.
    Store,
    /// Injects pods and checks workloads.
    Webhook,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 3] = [Self::Controller, Self::Store, Self::Webhook];

    /// The roles of one process by default: those that need no cluster.
    pub const SERVED: [Self; 2] = [Self::Store, Self::Webhook];

    /// Returns the role as users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Store => "store",
            Self::Webhook => "webhook",
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| RoleError(text.to_owned()))
    }
}

impl TryFrom<String> for Role {
    type Error = RoleError;

    fn try_from(text: String) -> Result<Self, RoleError> {
        text.parse()
    }
}

/// A text that is not a role.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a role: the roles are controller, store and webhook")]
pub struct RoleError(String);

/// The backend that keeps the variables.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    /// A crash-safe file in the data folder.
    #[default]
    Embedded,
    /// Objects of the cluster, shared by several replicas.
    Kubernetes,
    /// Memory only; the variables are lost when the process ends.
    Memory,
}
