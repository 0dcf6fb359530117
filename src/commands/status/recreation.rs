//! How to recreate a pod without the injected parts.

use strum::IntoStaticStr;

use crate::workload::Owner;

/// How to recreate a pod.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Recreation {
    /// By hand: delete the pod and apply its manifest again.
    ByHand,
    /// Delete the pod; its controller creates a new one.
    Delete,
    /// Restart the rollout; the controller replaces its pods one after the other.
    Restart,
}

impl Recreation {
    /// Returns how to recreate the pods of `controller`.
    pub(super) fn by(controller: Option<&Owner<'_>>) -> Self {
        match controller {
            None => Self::ByHand,
            Some(Owner { group, kind, .. }) => match (*group, *kind) {
                ("apps", "DaemonSet" | "Deployment" | "StatefulSet") => Self::Restart,
                _ => Self::Delete,
            },
        }
    }

    /// Returns it as one word, for programs.
    pub(super) fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk(group: &'static str, kind: &'static str) -> Owner<'static> {
        Owner {
            group,
            kind,
            name: "x",
            uid: "u",
        }
    }

    #[test]
    fn each_controller_recreates_in_its_own_way() {
        for (group, kind, recreation) in [
            ("apps", "Deployment", Recreation::Restart),
            ("apps", "StatefulSet", Recreation::Restart),
            ("apps", "DaemonSet", Recreation::Restart),
            ("apps", "ReplicaSet", Recreation::Delete),
            ("batch", "Job", Recreation::Delete),
            ("", "ReplicationController", Recreation::Delete),
            ("apps.kruise.io", "StatefulSet", Recreation::Delete),
            ("argoproj.io", "Rollout", Recreation::Delete),
        ] {
            assert_eq!(Recreation::by(Some(&mk(group, kind))), recreation, "{kind}");
        }
    }

    #[test]
    fn a_bare_pod_is_recreated_by_hand() {
        assert_eq!(Recreation::by(None), Recreation::ByHand);
    }
}
