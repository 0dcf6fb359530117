//! What makes a pod anew, without what was injected into it.

use crate::workload::Owner;

/// What makes a pod anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Recreation {
    /// Nobody but who made it: it has to be deleted, and its manifest applied again.
    ByHand,
    /// Its controller, once the pod is deleted.
    Delete,
    /// Its controller, which replaces its pods in turn.
    Restart,
}

impl Recreation {
    /// Returns what makes the pods of `controller` anew.
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
        match self {
            Self::ByHand => "by-hand",
            Self::Delete => "delete",
            Self::Restart => "restart",
        }
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
    fn a_bare_pod_is_recreated_by_whoever_made_it() {
        assert_eq!(Recreation::by(None), Recreation::ByHand);
    }
}
