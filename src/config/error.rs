//! Settings that do not go together.

use std::net::SocketAddr;

use crate::memory::LimitTooSmall;

/// Why settings do not go together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The controller feeds the store of its own process.
    #[error(
        "the role controller needs the role store in the same process: --roles store,controller"
    )]
    ControllerWithoutStore,
    /// A setting of the identity is set without one.
    #[error("{flag} needs --identity kubernetes: without it the store does not learn who calls")]
    NoIdentity {
        /// The flag that is set.
        flag: &'static str,
    },
    /// The memory is not enough.
    #[error(transparent)]
    Memory(#[from] LimitTooSmall),
    /// A certificate would be valid for hardly any time.
    #[error("{flag} is below 1m: clocks and renewals need some time")]
    BriefCertificate {
        /// The flag that says how long.
        flag: &'static str,
    },
    /// Several replicas would each do what only one may.
    #[error(
        "--store kubernetes needs --lease NAME: others may serve the same signals, and the holder \
         of this Lease leads"
    )]
    NoLease,
    /// Nothing tells which namespaces may be read.
    #[error(
        "--cross-namespace annotated needs a cluster, whose namespaces say who may read them: use it \
         with the role controller or with --store kubernetes"
    )]
    NoNamespaces,
    /// The namespace of an object is not known.
    #[error("{flag} needs --inject-own-namespace: the namespace in which the object is")]
    NoOwnNamespace {
        /// The flag that names the object.
        flag: &'static str,
    },
    /// Clients could not verify the store.
    #[error(
        "--identity kubernetes needs --store-name: clients send their tokens over TLS only, and verify \
         the name of the store that listens on {address}"
    )]
    NoStoreName {
        /// The address on which the store was to listen.
        address: SocketAddr,
    },
    /// Pods could neither wait nor signal.
    #[error(
        "--inject-identity false gives pods no token, and with --identity kubernetes the store lets none \
         wait or signal without one: leave it out, or name another store with --inject-store-url"
    )]
    NoTokenForPods,
    /// Others could reach a store that does not learn who calls.
    #[error(
        "a store without --identity kubernetes lets anyone who reaches {address} create and delete \
         variables in every namespace: listen on loopback (--http 127.0.0.1:9999), or accept this \
         with --anyone-may-signal"
    )]
    OpenToAnyone {
        /// The address on which the store was to listen.
        address: SocketAddr,
    },
    /// A certificate is set in several ways.
    #[error(
        "--ca-secret, --tls-secret and --tls-cert each say where certificates come from: choose one"
    )]
    SeveralCertificates,
    /// A file of a certificate is missing.
    #[error("--tls-cert, --tls-key and --tls-ca belong together: set all three")]
    TlsFiles,
    /// One address is set in two ways.
    #[error("--inject-store-ip and --inject-store-service set the same address: choose one")]
    TwoStoreAddresses,
}
