//! A kind of object as the API and `kubectl` name it.

use std::{fmt, str::FromStr};

use oncue_signals::{KIND, PLURAL};

use crate::workload::WorkloadKind;

/// A kind of object that the command line reads from a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Resource {
    kind: &'static str,
    api_version: &'static str,
    plural: &'static str,
    short: &'static str,
}

impl Resource {
    pub(crate) const POD: Self = Self::new("Pod", "v1", "pods", "po");
    pub(crate) const REPLICA_SET: Self = Self::new("ReplicaSet", "apps/v1", "replicasets", "rs");
    pub(crate) const JOB: Self = Self::new("Job", "batch/v1", "jobs", "job");
    pub(crate) const SERVICE: Self = Self::new("Service", "v1", "services", "svc");
    pub(crate) const CONFIG_MAP: Self = Self::new("ConfigMap", "v1", "configmaps", "cm");
    pub(crate) const NAMESPACE: Self = Self::new("Namespace", "v1", "namespaces", "ns");

    pub(crate) const SIGNAL: Self = Self::new(KIND, "oncue.dev/v1alpha1", PLURAL, "signal");

    /// Every kind that makes pods, and pods.
    pub(crate) const WORKLOADS: [Self; 8] = [
        Self::new("CronJob", "batch/v1", "cronjobs", "cj"),
        Self::new("DaemonSet", "apps/v1", "daemonsets", "ds"),
        Self::new("Deployment", "apps/v1", "deployments", "deploy"),
        Self::JOB,
        Self::POD,
        Self::REPLICA_SET,
        Self::new(
            "ReplicationController",
            "v1",
            "replicationcontrollers",
            "rc",
        ),
        Self::new("StatefulSet", "apps/v1", "statefulsets", "sts"),
    ];

    const fn new(
        kind: &'static str,
        api_version: &'static str,
        plural: &'static str,
        short: &'static str,
    ) -> Self {
        Self {
            kind,
            api_version,
            plural,
            short,
        }
    }

    /// Returns the kind, as an object names it.
    pub(crate) fn kind(self) -> &'static str {
        self.kind
    }

    /// Returns the group and version, as an object names them.
    pub(crate) fn api_version(self) -> &'static str {
        self.api_version
    }

    /// Returns the path of its objects in the API: in one namespace, or in all.
    pub(super) fn path(self, namespace: Option<&str>) -> String {
        let Self {
            api_version,
            plural,
            ..
        } = self;
        let root = if api_version.contains('/') {
            "apis"
        } else {
            "api"
        };
        match namespace {
            Some(namespace) => format!("/{root}/{api_version}/namespaces/{namespace}/{plural}"),
            None => format!("/{root}/{api_version}/{plural}"),
        }
    }

    fn is_called(self, name: &str) -> bool {
        [self.kind, self.plural, self.short]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Prints the plural, as RBAC and the API server's messages name it.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural)
    }
}

/// Reads a workload's kind as `kubectl` does: `Deployment`, `deployments`, `deploy`.
impl FromStr for Resource {
    type Err = NoWorkload;

    fn from_str(text: &str) -> Result<Self, NoWorkload> {
        let mut all = Self::WORKLOADS.into_iter();
        all.find(|resource| resource.is_called(text))
            .ok_or_else(|| NoWorkload {
                text: text.to_owned(),
            })
    }
}

/// A kind that makes no pods, or none at all.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is not a kind that makes pods: use one of {}", known())]
pub(crate) struct NoWorkload {
    text: String,
}

fn known() -> String {
    let kinds = WorkloadKind::ALL.iter().map(|kind| kind.as_str());
    kinds.collect::<Vec<_>>().join(", ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_kubectl_names_them() {
        for (text, kind) in [
            ("pod", "Pod"),
            ("po", "Pod"),
            ("Deployment", "Deployment"),
            ("deployments", "Deployment"),
            ("sts", "StatefulSet"),
            ("cronjob", "CronJob"),
        ] {
            assert_eq!(text.parse::<Resource>().unwrap().kind(), kind);
        }
        let error = "service".parse::<Resource>().unwrap_err().to_string();
        assert!(error.contains("deployment, job, pod"), "{error}");
    }

    #[test]
    fn every_kind_of_workload_can_be_read() {
        let kinds = Resource::WORKLOADS.iter().map(|resource| resource.kind());
        assert!(kinds.eq(WorkloadKind::ALL.iter().map(|kind| kind.as_str())));
    }

    #[test]
    fn paths_are_those_of_the_api() {
        let jobs = Resource::JOB.path(Some("shop"));
        assert_eq!(jobs, "/apis/batch/v1/namespaces/shop/jobs");
        assert_eq!(Resource::SERVICE.path(None), "/api/v1/services");
    }
}
