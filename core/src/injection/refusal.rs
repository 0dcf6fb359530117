//! Why a pod is not let in.

use strum::IntoStaticStr;
use thiserror::Error;

use super::warning::Warning;
use crate::language::{AnnotationError, Keys};

/// The rejection of a pod, with its warnings.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{refusal}")]
pub struct Refused {
    /// Why it is not let in.
    pub refusal: Refusal,
    /// What people should hear besides.
    pub warnings: Vec<Warning>,
}

impl<R: Into<Refusal>> From<R> for Refused {
    fn from(refusal: R) -> Self {
        Self {
            refusal: refusal.into(),
            warnings: Vec::new(),
        }
    }
}

/// Why a pod is not let in: its author's mistakes, never oncue's own failure.
#[derive(Clone, Debug, Eq, Error, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub enum Refusal {
    /// Annotations that are wrong, or that do not go with the pod: 422.
    #[error("{}", lines(.0, &Keys::default()))]
    Annotations(Vec<AnnotationError>),
    /// Something of the pod's own stands where ours must: 422.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// A pod without what every pod has, which the API server refuses by itself: 422.
    #[error(transparent)]
    Incomplete(PodError),
    /// Not a pod: 400.
    #[error("failed to read the pod at {0}")]
    #[strum(serialize = "not-a-pod")]
    Pod(#[from] PodError),
    /// More than any pod that can run has: 422.
    #[error(transparent)]
    TooLarge(PodError),
}

impl Refusal {
    /// Returns the HTTP status that answers it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Annotations(_) | Self::Collision(_) | Self::Incomplete(_) | Self::TooLarge(_) => {
                422
            }
            Self::Pod(_) => 400,
        }
    }

    /// Returns the refusal in words, with keys as they are written where they are read.
    pub fn told(&self, keys: &Keys) -> String {
        match self {
            Self::Annotations(errors) => lines(errors, keys),
            Self::Collision(_) | Self::Incomplete(_) | Self::Pod(_) | Self::TooLarge(_) => {
                self.to_string()
            }
        }
    }

    /// Returns the refusal as one word, for metrics.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}

/// Maximum number of errors in one message.
const MAX_TOLD: usize = 8;

fn lines(errors: &[AnnotationError], keys: &Keys) -> String {
    let (told, rest) = errors.split_at(errors.len().min(MAX_TOLD));
    let mut lines: Vec<_> = told.iter().map(|error| error.told(keys)).collect();
    if !rest.is_empty() {
        lines.push(format!("and {} more like these", rest.len()));
    }
    lines.join("; ")
}

/// Something of the pod's own that stands where ours must.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Collision {
    /// A container with our container's name that we did not inject.
    #[error(
        "{path}: the name {name:?} is taken by a container that oncue did not inject: rename it"
    )]
    Container {
        /// Where it stands.
        path: String,
        /// The name.
        name: &'static str,
    },
    /// A mount at or below one of ours, a read-only one above it, or a marker of ours that a person
    /// wrote.
    #[error("{path}: {mount_path:?} is in the way of what oncue mounts at {folder:?}: {cure}")]
    Mount {
        /// Where it stands.
        path: String,
        /// Its path in the container.
        mount_path: String,
        /// Where ours is mounted.
        folder: &'static str,
        /// What would be right.
        cure: &'static str,
    },
    /// A volume with our volume's name that we did not inject.
    #[error("{path}: the name {name:?} is taken by a volume that oncue did not inject: rename it")]
    Volume {
        /// Where it stands.
        path: String,
        /// The name.
        name: &'static str,
    },
}

/// A part of a pod that is wrong, or too large.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{path}: {reason}")]
pub struct PodError {
    /// The path of the offending part, such as `spec.containers[0].name`.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}
