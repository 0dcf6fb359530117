//! Whether a Service that a client probes has a ready endpoint.

use serde::{Deserialize, Serialize};

use crate::evaluate::ObjectState;

/// What a store knows of a Service that a client probes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceReadiness {
    /// It has a ready endpoint.
    Ready,
    /// It does not exist, it has no endpoints of its own, or the store does not know it.
    #[default]
    Unknown,
    /// It exists, and has no ready endpoint.
    Unready,
}

impl ServiceReadiness {
    /// Every readiness.
    pub const ALL: [Self; 3] = [Self::Ready, Self::Unknown, Self::Unready];

    /// Returns the readiness of a Service of which its kind's own rule is asked.
    pub fn of(state: &ObjectState) -> Self {
        match state {
            ObjectState::Holds => Self::Ready,
            ObjectState::Failed { .. } | ObjectState::Pending(_) => Self::Unready,
            ObjectState::Absent | ObjectState::Unknown(_) => Self::Unknown,
        }
    }
}
