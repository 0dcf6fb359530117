//! Why the process cannot serve.

use std::{io, path::PathBuf};

use super::{certificates::CertificatesError, group::Death, listeners::ListenersError};
use crate::{cluster::ConnectError, config::InjectError, store::StoreError};

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// There are no certificates.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// The cluster cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The data folder cannot be made.
    #[error("failed to make the folder {} (choose another with --data)", .0.display())]
    Data(PathBuf, #[source] io::Error),
    /// A part of the process ended before its time.
    #[error("a part of the process failed")]
    Died(#[source] Option<Death>),
    /// The settings of what is injected do not hold.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// A second signal came before everything was down.
    #[error("stopped at once by a second signal")]
    Interrupted,
    /// A socket cannot be bound.
    #[error(transparent)]
    Listen(#[from] ListenersError),
    /// The certificates are kept in a cluster, and no cluster is configured.
    #[error("the certificates are in a Secret, and no cluster is connected")]
    NoClusterForCertificates,
    /// The backend of the store is a cluster, and no cluster is configured.
    #[error("--store kubernetes keeps signals in a cluster, and none is connected")]
    NoCluster,
    /// The process cannot run tasks.
    #[error("failed to start the runtime")]
    Runtime(#[source] io::Error),
    /// Signals cannot be received.
    #[error("failed to listen to signals")]
    Signals(#[source] io::Error),
    /// The store cannot be opened.
    #[error("failed to open the store")]
    Store(#[from] StoreError),
}
