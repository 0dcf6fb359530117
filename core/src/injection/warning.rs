//! Warnings about an admitted pod.

use thiserror::Error;

use super::skip::SkipReason;
use crate::language::{AnnotationWarning, Namespace, annotation::Key};

/// A warning about an admitted pod.
///
/// The API server recommends up to 120 characters and cuts at 256.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Warning {
    /// An annotation that is let through.
    #[error(transparent)]
    Annotation(#[from] AnnotationWarning),
    /// A variable of a namespace where no pod is injected, so none signals it.
    #[error("{term}: no pod of {namespace} is injected, so only signals made by hand can hold it")]
    ExcludedNamespace {
        /// The term.
        term: String,
        /// The namespace.
        namespace: Namespace,
    },
    /// Several containers, none of which is named as the one whose start is signalled.
    #[error(
        "{container}, the first of {count} containers, signals for this pod: name the right one in \
         signals-container"
    )]
    FirstOfSeveral {
        /// The container.
        container: String,
        /// How many there are.
        count: usize,
    },
    /// A pod behind a gate that a gang scheduler counts as a member of a gang.
    #[error(
        "{mark}: a gang does not count gated pods and may never start: use depends-on-mode: init"
    )]
    GangScheduled {
        /// What makes it a member, such as `label scheduling.x-k8s.io/pod-group`.
        mark: String,
    },
    /// The label by which a controller finds the pod is there with another value, and stays so.
    #[error("label {label} is not \"true\": a controller will not see this pod")]
    LabelKept {
        /// The label.
        label: String,
    },
    /// Live signals without a controller.
    #[error("no controller runs: what this pod signals stays until it is deleted by hand")]
    LiveSignalsStay {
        /// The annotation that asks for them.
        key: Key,
    },
    /// A probe of the pod's own address before its own containers run.
    #[error(
        "{term} is probed before this pod's sidecars run: use depends-on-position: after-sidecars"
    )]
    LoopbackProbe {
        /// The term.
        term: String,
    },
    /// A probe of the address of a pod in which nothing can run before it.
    #[error(
        "{term} asks this pod before its containers run: only a native sidecar can answer, with \
         depends-on-position: after-sidecars"
    )]
    LoopbackUnanswered {
        /// The term.
        term: String,
    },
    /// A mesh's CNI plugin that leaves our container without a network.
    #[error(
        "the mesh's CNI plugin keeps oncue-wait off the network: use native sidecars and \
         depends-on-position: after-sidecars"
    )]
    MeshCni,
    /// A mesh that keeps our container from its position.
    #[error("oncue-wait stays in front of the mesh's init container: behind it is no network")]
    MeshFirst,
    /// A post-start hook that cannot be chained: the controller signals instead.
    #[error("container {container}: its {handler} postStart stays, the controller signals instead")]
    PostStartKept {
        /// The container.
        container: String,
        /// The kind of the hook's handler.
        handler: String,
    },
    /// A term about a Secret, which the controller may not read.
    #[error("{term}: oncue may not read Secrets here: set controller.secrets in its chart")]
    SecretUnreadable {
        /// The term.
        term: String,
    },
    /// Resources that were asked for and changed.
    #[error("{key} gave way to what keeps this pod's QoS class and size")]
    ResourcesAdjusted {
        /// The annotation that asked for them.
        key: String,
    },
    /// A pod that asks for something and is left alone.
    #[error("not injected: {0}")]
    Skipped(SkipReason),
    /// A pod that resolves no cluster names, and no address to fall back on.
    #[error("this pod resolves no cluster names and the store's ClusterIP is not configured")]
    StoreUnresolved,
}
