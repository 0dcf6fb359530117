//! What the injected container asks for, and what `oncue.dev/resources` says of it.

use serde::Serialize;

use super::quantity::Quantity;

/// Requests and limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Resources {
    /// The least it gets.
    pub requests: ResourceList,
    /// The most it gets.
    pub limits: ResourceList,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            requests: ResourceList {
                cpu: Quantity::milli(10),
                memory: Quantity::mebi(32),
            },
            limits: ResourceList {
                cpu: Quantity::milli(200),
                memory: Quantity::mebi(64),
            },
        }
    }
}

/// An amount of each resource that quality of service depends on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ResourceList {
    /// In cores.
    pub cpu: Quantity,
    /// In bytes.
    pub memory: Quantity,
}
