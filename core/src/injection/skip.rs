//! Why a pod is left alone.

use std::fmt;

/// Why a pod is left alone: the same word in logs, metrics, warnings and the command line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SkipReason {
    /// Everything it asks for is there.
    AlreadyInjected,
    /// A static pod's mirror, which the kubelet wrote and nobody may change.
    MirrorPod,
    /// No annotation asks for anything.
    NothingAsked,
    /// One of oncue's own pods, which must never wait for oncue.
    OwnPod,
    /// `oncue.dev/inject: "false"`.
    SwitchedOff,
    /// A Windows pod, where the client cannot run.
    Windows,
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::AlreadyInjected,
        Self::MirrorPod,
        Self::NothingAsked,
        Self::OwnPod,
        Self::SwitchedOff,
        Self::Windows,
    ];

    /// Returns the reason as one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::AlreadyInjected => "already-injected",
            Self::MirrorPod => "mirror-pod",
            Self::NothingAsked => "nothing-asked",
            Self::OwnPod => "own-pod",
            Self::SwitchedOff => "switched-off",
            Self::Windows => "windows",
        }
    }
}

/// Prints the reason as a sentence.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInjected => "everything the pod asks for is already injected",
            Self::MirrorPod => "a static pod's mirror cannot be changed",
            Self::NothingAsked => "no annotation asks for anything",
            Self::OwnPod => "pods in oncue's own namespace are never injected",
            Self::SwitchedOff => "oncue is switched off for this pod",
            Self::Windows => "the client does not run on Windows",
        })
    }
}
