//! Why a pod is left alone.

use std::fmt;

use strum::IntoStaticStr;

/// Why a pod is left alone: the same word in logs, metrics, warnings and the command line.
#[derive(Clone, Copy, Debug, Eq, Hash, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub enum SkipReason {
    /// Everything it asks for is there.
    AlreadyInjected,
    /// A namespace whose pods the API server does not send for admission.
    ExcludedNamespace,
    /// The mirror of a static pod, which must not change.
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
    /// Returns the reason as one word.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Prints the reason as a sentence.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInjected => "everything the pod asks for is already injected",
            Self::ExcludedNamespace => {
                "the webhook's namespaceSelector excludes this namespace (admission.* of the chart)"
            }
            Self::MirrorPod => "a static pod's mirror cannot be changed",
            Self::NothingAsked => "no annotation asks for anything",
            Self::OwnPod => "pods in oncue's own namespace are never injected",
            Self::SwitchedOff => "oncue is switched off for this pod",
            Self::Windows => "the client does not run on Windows",
        })
    }
}
