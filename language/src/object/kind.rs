//! The kinds of objects that can be waited for.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::name::is_dns_label;

/// The kind of an object.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ObjectKind {
    /// `configmap:`
    ConfigMap,
    /// `daemonset:`
    DaemonSet,
    /// `deployment:`
    Deployment,
    /// `job:`
    Job,
    /// `node:`
    Node,
    /// Any other kind, by its resource and group.
    Other(Resource),
    /// `persistentvolumeclaim:`
    PersistentVolumeClaim,
    /// `pod:`
    Pod,
    /// `secret:`
    Secret,
    /// `service:`
    Service,
    /// `statefulset:`
    StatefulSet,
}

impl ObjectKind {
    const BUILT_IN: [Self; 10] = [
        Self::ConfigMap,
        Self::DaemonSet,
        Self::Deployment,
        Self::Job,
        Self::Node,
        Self::PersistentVolumeClaim,
        Self::Pod,
        Self::Secret,
        Self::Service,
        Self::StatefulSet,
    ];

    /// Returns whether such objects live in no namespace. Of the kinds that are not built in, only
    /// the cluster knows.
    pub fn is_cluster_scoped(&self) -> bool {
        *self == Self::Node
    }

    /// Returns whether the rule of the kind tells readiness: of pods, Jobs, Services, workloads and
    /// nodes. That of any other kind tells whether an object exists, or what it is bound to.
    pub(crate) fn tells_readiness(&self) -> bool {
        match self {
            Self::DaemonSet
            | Self::Deployment
            | Self::Job
            | Self::Node
            | Self::Pod
            | Self::Service
            | Self::StatefulSet => true,
            Self::ConfigMap | Self::Other(_) | Self::PersistentVolumeClaim | Self::Secret => false,
        }
    }

    /// Returns what such an object is once its kind's own rule holds, to be read after its name.
    pub fn holds_when(&self) -> &'static str {
        match self {
            Self::ConfigMap | Self::Other(_) | Self::Secret => "exists",
            Self::DaemonSet | Self::Deployment | Self::StatefulSet => "is rolled out",
            Self::Job => "is complete",
            Self::Node | Self::Pod => "is Ready",
            Self::PersistentVolumeClaim => "is Bound",
            Self::Service => "has a ready endpoint",
        }
    }

    pub(super) fn built_in(text: &str) -> Option<Self> {
        let named = |kind: &Self| kind.name() == text || kind.short_name() == Some(text);
        Self::BUILT_IN.into_iter().find(named)
    }

    /// Returns the name of a built-in kind; the empty text for any other.
    fn name(&self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::DaemonSet => "daemonset",
            Self::Deployment => "deployment",
            Self::Job => "job",
            Self::Node => "node",
            Self::Other(_) => "",
            Self::PersistentVolumeClaim => "persistentvolumeclaim",
            Self::Pod => "pod",
            Self::Secret => "secret",
            Self::Service => "service",
            Self::StatefulSet => "statefulset",
        }
    }

    /// Returns the API group of a built-in kind, which is empty for `core`.
    fn group(&self) -> &str {
        match self {
            Self::ConfigMap
            | Self::Node
            | Self::PersistentVolumeClaim
            | Self::Pod
            | Self::Secret
            | Self::Service => "",
            Self::DaemonSet | Self::Deployment | Self::StatefulSet => "apps",
            Self::Job => "batch",
            Self::Other(resource) => resource.group(),
        }
    }

    /// Returns kubectl's short name of the kind.
    fn short_name(&self) -> Option<&'static str> {
        match self {
            Self::ConfigMap => Some("cm"),
            Self::DaemonSet => Some("ds"),
            Self::Deployment => Some("deploy"),
            Self::Node => Some("no"),
            Self::PersistentVolumeClaim => Some("pvc"),
            Self::Pod => Some("po"),
            Self::Service => Some("svc"),
            Self::StatefulSet => Some("sts"),
            Self::Job | Self::Other(_) | Self::Secret => None,
        }
    }
}

/// Prints what stands before the colon.
impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(resource) => write!(f, "{resource}"),
            built_in => f.write_str(built_in.name()),
        }
    }
}

/// Reads what stands before the colon: the name of a built-in kind, kubectl's short name for it, or
/// a resource with its group, which may be that of a built-in kind too.
impl FromStr for ObjectKind {
    type Err = ObjectKindError;

    fn from_str(text: &str) -> Result<Self, ObjectKindError> {
        if let Some(kind) = Self::built_in(text) {
            return Ok(kind);
        }
        let unknown = || ObjectKindError::Unknown { meant: meant(text) };
        let resource = Resource::parse(text).ok_or_else(unknown)?;
        if let Some(version) = resource.version() {
            return Err(ObjectKindError::Version {
                version: version.into(),
                resource: resource.without_version(),
            });
        }
        let mut built_in = Self::BUILT_IN.into_iter();
        let kind = built_in.find(|kind| resource.is_of(kind));
        Ok(kind.unwrap_or(Self::Other(resource)))
    }
}

/// Returns the kind that was perhaps meant by `text`: by kubectl's name of another kind, or by a
/// misspelt name of a built-in one.
fn meant(text: &str) -> Option<Box<str>> {
    let text = text.to_ascii_lowercase();
    let singular = text.strip_suffix('s').unwrap_or(&text);
    let is_called = |(names, _): &&(&str, &str)| {
        names
            .split(' ')
            .any(|name| name == text || name == singular)
    };
    if let Some((_, resource)) = OTHERS.iter().find(is_called) {
        return Some((*resource).into());
    }
    let slips = |kind: &ObjectKind| strsim::osa_distance(kind.name(), singular);
    let near = ObjectKind::BUILT_IN.into_iter().min_by_key(slips)?;
    let is_near = slips(&near) <= (near.name().len() / 4).max(1);
    is_near.then(|| near.to_string().into())
}

/// Names that kubectl knows of kinds that are not built in here, and what to write for them.
const OTHERS: [(&str, &str); 12] = [
    ("certificate cert", "certificates.cert-manager.io"),
    (
        "crd customresourcedefinition",
        "customresourcedefinitions.apiextensions.k8s.io",
    ),
    ("cronjob cj", "cronjobs.batch"),
    ("endpoint ep", "endpoints.core"),
    (
        "horizontalpodautoscaler hpa",
        "horizontalpodautoscalers.autoscaling",
    ),
    ("ingress ingresse ing", "ingresses.networking.k8s.io"),
    ("namespace ns", "namespaces.core"),
    ("persistentvolume pv", "persistentvolumes.core"),
    ("replicaset rs", "replicasets.apps"),
    ("rollout", "rollouts.argoproj.io"),
    ("serviceaccount sa", "serviceaccounts.core"),
    (
        "storageclass storageclasse sc",
        "storageclasses.storage.k8s.io",
    ),
];

/// A text that is not a kind.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ObjectKindError {
    /// No kind is called so.
    #[error(
        "{}here are job: pod: service: deployment: statefulset: daemonset: configmap: secret: \
         persistentvolumeclaim: node: and any other kind as its plural with its group, such as \
         certificates.cert-manager.io:web",
        meant.as_ref().map_or_else(|| "t".to_owned(), |kind| format!("did you mean {kind}:? T"))
    )]
    Unknown {
        /// The kind that was perhaps meant.
        meant: Option<Box<str>>,
    },
    /// It is kubectl's third form, `TYPE.VERSION.GROUP`.
    #[error("{version} is a version: leave it out, as in {resource}:x")]
    Version {
        /// The version.
        version: Box<str>,
        /// The same without it.
        resource: Box<str>,
    },
}

/// A resource of the Kubernetes API with its group: `certificates.cert-manager.io`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Resource {
    plural: Box<str>,
    group: Box<str>,
}

/// What is written for the group without a name.
const CORE: &str = "core";

impl Resource {
    fn parse(text: &str) -> Option<Self> {
        let (plural, group) = text.split_once('.')?;
        let is_right = is_dns_label(plural) && group.split('.').all(is_dns_label);
        is_right.then(|| Self {
            plural: plural.into(),
            group: if group == CORE { "" } else { group }.into(),
        })
    }

    /// Returns the name of the resource, a plural.
    pub fn plural(&self) -> &str {
        &self.plural
    }

    /// Returns the group, which is empty for `core`.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Returns the version that is written before the group, if one is.
    fn version(&self) -> Option<&str> {
        let first = self.group.split('.').next()?;
        is_version(first).then_some(first)
    }

    /// Returns this without the version before its group.
    fn without_version(&self) -> Box<str> {
        let group = self.group.split_once('.').map_or(CORE, |(_, group)| group);
        format!("{}.{group}", self.plural).into()
    }

    /// Returns whether this is the resource of a built-in kind, in the plural or the singular.
    fn is_of(&self, kind: &ObjectKind) -> bool {
        let name = self.plural.strip_suffix('s').unwrap_or(&self.plural);
        name == kind.name() && *self.group == *kind.group()
    }
}

/// Returns whether `label` is written as Kubernetes writes versions: `v1`, `v1beta2`.
fn is_version(label: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let version = label.strip_prefix('v').unwrap_or_default();
    let stages = ["alpha", "beta"];
    let mut parts = stages.iter().filter_map(|stage| version.split_once(stage));
    let (major, stage) = parts.next().unwrap_or((version, "1"));
    is_number(major) && is_number(stage)
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = if self.group.is_empty() {
            CORE
        } else {
            &self.group
        };
        write!(f, "{}.{group}", self.plural)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_names_and_its_rule() {
        for (names, holds_when) in [
            (&["configmap", "cm", "configmaps.core"][..], "exists"),
            (&["daemonset", "ds", "daemonsets.apps"], "is rolled out"),
            (
                &[
                    "deployment",
                    "deploy",
                    "deployments.apps",
                    "deployment.apps",
                ],
                "is rolled out",
            ),
            (&["job", "jobs.batch", "job.batch"], "is complete"),
            (&["node", "no", "nodes.core"], "is Ready"),
            (
                &[
                    "persistentvolumeclaim",
                    "pvc",
                    "persistentvolumeclaims.core",
                ],
                "is Bound",
            ),
            (&["pod", "po", "pods.core", "pod.core"], "is Ready"),
            (&["secret", "secrets.core", "secret.core"], "exists"),
            (&["service", "svc", "services.core"], "has a ready endpoint"),
            (
                &["statefulset", "sts", "statefulsets.apps"],
                "is rolled out",
            ),
            (&["certificates.cert-manager.io"], "exists"),
            (&["endpoints.core"], "exists"),
        ] {
            for name in names {
                let kind: ObjectKind = name.parse().unwrap();
                assert_eq!(kind.to_string(), names[0], "{name}");
                assert_eq!(kind.holds_when(), holds_when, "{name}");
                assert_eq!(kind.is_cluster_scoped(), names[0] == "node", "{name}");
            }
        }
        assert!(
            ObjectKind::BUILT_IN
                .iter()
                .all(|kind| kind.to_string().parse() == Ok(kind.clone()))
        );
    }

    #[test]
    fn another_kind_is_a_plural_with_its_group() {
        let resource = |text: &str| match text.parse() {
            Ok(ObjectKind::Other(resource)) => resource,
            other => panic!("{text}: {other:?}"),
        };
        let certificates = resource("certificates.cert-manager.io");
        assert_eq!(
            (certificates.plural(), certificates.group()),
            ("certificates", "cert-manager.io")
        );
        let endpoints = resource("endpoints.core");
        assert_eq!((endpoints.plural(), endpoints.group()), ("endpoints", ""));
        for other in [
            "secrets.example.com",
            "jobs.apps",
            "services.serving.knative.dev",
        ] {
            assert_eq!(resource(other).to_string(), other);
        }
        for bad in ["", "x", "x.", ".x", "X.y", "x.Y", "x..y", "x/y.z", "jobs"] {
            assert!(bad.parse::<ObjectKind>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_is_to_be_left_out() {
        for (text, version, rest) in [
            (
                "certificates.v1.cert-manager.io",
                "v1",
                "certificates.cert-manager.io",
            ),
            ("deployments.v1beta2.apps", "v1beta2", "deployments.apps"),
            (
                "things.v2alpha10.example.com",
                "v2alpha10",
                "things.example.com",
            ),
            ("pods.v1", "v1", "pods.core"),
        ] {
            let error = text.parse::<ObjectKind>().unwrap_err().to_string();
            let expected = format!("{version} is a version: leave it out, as in {rest}:x");
            assert_eq!(error, expected, "{text}");
        }
        for group in [
            "v.io",
            "vault.io",
            "v1x.io",
            "v1beta.io",
            "valpha1.io",
            "1.io",
            "io.v1",
        ] {
            let text = format!("things.{group}");
            assert_eq!(text.parse::<ObjectKind>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_kind_is_told_what_was_meant() {
        for (text, meant) in [
            ("jbo", "did you mean job:? There are job:"),
            ("deployments", "did you mean deployment:?"),
            ("Pod", "did you mean pod:?"),
            ("servce", "did you mean service:?"),
            ("rs", "did you mean replicasets.apps:?"),
            ("ns", "did you mean namespaces.core:?"),
            ("CronJob", "did you mean cronjobs.batch:?"),
            ("cj", "did you mean cronjobs.batch:?"),
            ("ingresses", "did you mean ingresses.networking.k8s.io:?"),
            ("rollout", "did you mean rollouts.argoproj.io:?"),
            ("postgres", "there are job:"),
            ("x", "there are job:"),
        ] {
            let error = text.parse::<ObjectKind>().unwrap_err().to_string();
            assert!(error.starts_with(meant), "{text}: {error}");
        }
    }
}
