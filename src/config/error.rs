//! Settings that do not go together.

use crate::memory::LimitTooSmall;

/// Why settings do not go together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The controller feeds the store of its own process.
    #[error(
        "the role controller needs the role store in the same process: --roles store,controller"
    )]
    ControllerWithoutStore,
    /// The memory is not enough.
    #[error(transparent)]
    Memory(#[from] LimitTooSmall),
    /// Several replicas would each do what only one may.
    #[error(
        "--store kubernetes needs --lease NAME: others may serve the same signals, and the holder \
         of this Lease leads"
    )]
    NoLease,
    /// The namespace of an object is not known.
    #[error("{flag} needs --inject-own-namespace: the namespace in which the object is")]
    NoOwnNamespace {
        /// The flag that names the object.
        flag: &'static str,
    },
    /// One address is set in two ways.
    #[error("--inject-store-ip and --inject-store-service set the same address: choose one")]
    TwoStoreAddresses,
}
