//! Which objects have to be watched to judge a term.

use std::fmt;

use oncue_language::{
    Namespace, ObjectDemand, ObjectKey, ObjectKind, Which,
    object::{LabelSelector, NodeName},
};
use serde_json::Value;

use super::{service::SERVICE_NAME, trim};
use crate::workload::text;

/// What has to be watched to judge a term.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sources {
    /// The object that the term names; `None` if it selects by label.
    pub named: Option<Source>,
    /// The objects with the labels; or the slices of a Service, or the pods of a `DaemonSet`.
    pub related: Option<Source>,
}

/// Objects of one kind that have to be watched. Sources of one kind, namespace and part can share
/// a watch.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Source {
    /// Their kind.
    pub kind: WatchedKind,
    /// Their namespace. `None` if they live in no namespace; a kind that is not built in may live
    /// in none in spite of it, which only the cluster knows.
    pub namespace: Option<Namespace>,
    /// How much of them is read.
    pub part: Part,
    /// Which of them.
    pub selection: Selection,
}

/// A kind of object that is watched.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum WatchedKind {
    /// A part of the endpoints of a Service.
    EndpointSlice,
    /// A kind that terms ask for.
    Object(ObjectKind),
}

/// How much of an object is read.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// What the rule of its kind and conditions read.
    Judged,
    /// Its metadata: whether it exists.
    Metadata,
    /// Any field.
    Whole,
}

/// Which objects of a kind and namespace.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Selection {
    /// The one with this name.
    pub name: Option<Box<str>>,
    /// Those with these labels.
    pub labels: LabelSelector<Box<str>>,
    /// The pods on this node.
    pub node: Option<NodeName>,
}

impl Sources {
    /// Returns what has to be watched to judge a term.
    pub fn of(key: &ObjectKey) -> Self {
        let own = Source {
            kind: WatchedKind::Object(key.kind.clone()),
            namespace: key.namespace.clone(),
            part: Part::of(&key.kind, &key.demand),
            selection: Selection::of(key),
        };
        match &key.which {
            Which::Labelled { .. } => Self {
                named: None,
                related: Some(own),
            },
            Which::Named(name) => Self {
                named: Some(own),
                related: Source::beside(key, name),
            },
        }
    }
}

impl Source {
    /// Returns what has to be watched beside the object with this name.
    fn beside(key: &ObjectKey, name: &str) -> Option<Self> {
        let (kind, part, selection) = match (&key.kind, &key.demand, &key.node) {
            (ObjectKind::Service, ObjectDemand::Rule, _) => (
                WatchedKind::EndpointSlice,
                Part::Judged,
                Selection::labelled(SERVICE_NAME, name),
            ),
            (ObjectKind::DaemonSet, demand, Some(node)) => (
                WatchedKind::Object(ObjectKind::Pod),
                Part::of(&ObjectKind::Pod, demand),
                Selection::on(node),
            ),
            _ => return None,
        };
        Some(Self {
            kind,
            namespace: key.namespace.clone(),
            part,
            selection,
        })
    }

    /// Returns whether an object of this kind is one of those that are watched.
    pub fn contains(&self, object: &Value) -> bool {
        // The objects of a kind that is not built in may live in no namespace.
        let lives_here = text(object, "/metadata/namespace").is_none_or(|it| {
            self.namespace
                .as_ref()
                .is_some_and(|own| own.as_str() == it)
        });
        lives_here && self.selection.contains(object)
    }

    /// Returns what is kept of an object of this kind.
    pub fn trim(&self, object: &Value) -> Value {
        trim::kept(&self.kind, self.part, object)
    }
}

impl Part {
    /// Returns how much is read of an object. Of a Secret, that is never more than its metadata.
    fn of<V>(kind: &ObjectKind, demand: &ObjectDemand<V>) -> Self {
        match (kind, demand) {
            (ObjectKind::Secret, _)
            | (ObjectKind::ConfigMap | ObjectKind::Other(_), ObjectDemand::Rule) => Self::Metadata,
            (_, ObjectDemand::Condition(_) | ObjectDemand::Rule) => Self::Judged,
            (_, ObjectDemand::Field { .. }) => Self::Whole,
        }
    }
}

impl Selection {
    fn of(key: &ObjectKey) -> Self {
        match &key.which {
            Which::Labelled { labels, .. } => Self {
                name: None,
                labels: labels.clone(),
                node: key.node.clone(),
            },
            // If it is a pod on another node, that is the reason.
            Which::Named(name) => Self {
                name: Some(name.clone()),
                labels: LabelSelector::from_iter([]),
                node: None,
            },
        }
    }

    fn labelled(key: &str, value: &str) -> Self {
        Self {
            name: None,
            labels: LabelSelector::from_iter([(key.into(), value.into())]),
            node: None,
        }
    }

    fn on(node: &NodeName) -> Self {
        Self {
            name: None,
            labels: LabelSelector::from_iter([]),
            node: Some(node.clone()),
        }
    }

    fn contains(&self, object: &Value) -> bool {
        let is = |pointer, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| text(object, pointer) == Some(wanted))
        };
        let labels = object.pointer("/metadata/labels");
        let label = |key: &str| labels?.get(key)?.as_str();
        is("/metadata/name", self.name.as_deref())
            && is("/spec/nodeName", self.node.as_ref().map(NodeName::as_str))
            && self
                .labels
                .iter()
                .all(|(key, value)| label(key) == Some(value))
    }

    /// Returns the `fieldSelector` of a list or watch; empty for all.
    pub fn field_selector(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map(|name| format!("metadata.name={name}"));
        let node = self
            .node
            .as_ref()
            .map(|node| format!("spec.nodeName={node}"));
        name.into_iter().chain(node).collect::<Vec<_>>().join(",")
    }

    /// Returns the `labelSelector` of a list or watch; empty for all.
    pub fn label_selector(&self) -> String {
        let labels = self.labels.iter();
        let labels: Vec<_> = labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        labels.join(",")
    }
}

impl WatchedKind {
    /// Returns the group of its API, which is empty for the core.
    pub fn group(&self) -> &str {
        match self {
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Object(kind) => match kind {
                ObjectKind::DaemonSet | ObjectKind::Deployment | ObjectKind::StatefulSet => "apps",
                ObjectKind::Job => "batch",
                ObjectKind::Other(resource) => resource.group(),
                ObjectKind::ConfigMap
                | ObjectKind::Node
                | ObjectKind::PersistentVolumeClaim
                | ObjectKind::Pod
                | ObjectKind::Secret
                | ObjectKind::Service => "",
            },
        }
    }

    /// Returns the version of its API. `None` for a kind that is not built in: only the cluster
    /// knows which it prefers.
    pub fn version(&self) -> Option<&'static str> {
        match self {
            Self::Object(ObjectKind::Other(_)) => None,
            Self::EndpointSlice | Self::Object(_) => Some("v1"),
        }
    }

    /// Returns the name of the resource, a plural.
    pub fn plural(&self) -> &str {
        match self {
            Self::EndpointSlice => "endpointslices",
            Self::Object(kind) => match kind {
                ObjectKind::ConfigMap => "configmaps",
                ObjectKind::DaemonSet => "daemonsets",
                ObjectKind::Deployment => "deployments",
                ObjectKind::Job => "jobs",
                ObjectKind::Node => "nodes",
                ObjectKind::Other(resource) => resource.plural(),
                ObjectKind::PersistentVolumeClaim => "persistentvolumeclaims",
                ObjectKind::Pod => "pods",
                ObjectKind::Secret => "secrets",
                ObjectKind::Service => "services",
                ObjectKind::StatefulSet => "statefulsets",
            },
        }
    }
}

/// Prints as RBAC names it: `deployments.apps`, `pods`.
impl fmt::Display for WatchedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group() {
            "" => f.write_str(self.plural()),
            group => write!(f, "{}.{group}", self.plural()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::*, *};

    /// Returns each source as one line.
    fn shown(key: &ObjectKey) -> Vec<String> {
        let Sources { named, related } = Sources::of(key);
        let show = |source: &Source| {
            let Source {
                kind,
                namespace,
                part,
                selection,
            } = source;
            let version = kind.version().unwrap_or("?");
            let namespace = namespace.as_ref().map_or("-", Namespace::as_str);
            let (fields, labels) = (selection.field_selector(), selection.label_selector());
            format!("{kind}/{version} {namespace} {part:?} [{fields}] [{labels}]")
        };
        named.iter().chain(&related).map(show).collect()
    }

    #[test]
    fn every_kind_is_watched_by_its_resource() {
        for (kind, source) in [
            ("configmap", "configmaps/v1 shop Metadata"),
            ("daemonset", "daemonsets.apps/v1 shop Judged"),
            ("deployment", "deployments.apps/v1 shop Judged"),
            ("job", "jobs.batch/v1 shop Judged"),
            ("node", "nodes/v1 - Judged"),
            (
                "persistentvolumeclaim",
                "persistentvolumeclaims/v1 shop Judged",
            ),
            ("pod", "pods/v1 shop Judged"),
            ("secret", "secrets/v1 shop Metadata"),
            ("statefulset", "statefulsets.apps/v1 shop Judged"),
            ("endpoints.core", "endpoints/? shop Metadata"),
            (
                "certificates.cert-manager.io",
                "certificates.cert-manager.io/? shop Metadata",
            ),
        ] {
            let expected = format!("{source} [metadata.name=x] []");
            assert_eq!(shown(&mk_named(kind, ObjectDemand::Rule)), [expected]);
        }
    }

    #[test]
    fn what_is_asked_says_how_much_is_read() {
        for (kind, demand, part) in [
            ("configmap", mk_condition(), Part::Judged),
            ("configmap", mk_field(), Part::Whole),
            ("deployment", mk_condition(), Part::Judged),
            ("deployment", mk_field(), Part::Whole),
            ("certificates.cert-manager.io", mk_condition(), Part::Judged),
            ("secret", mk_condition(), Part::Metadata),
            ("secret", mk_field(), Part::Metadata),
        ] {
            let named = Sources::of(&mk_named(kind, demand)).named.unwrap();
            assert_eq!(named.part, part, "{named:?}");
        }
    }

    #[test]
    fn a_service_needs_the_slices_with_its_name() {
        let rule = [
            "services/v1 shop Judged [metadata.name=x] []",
            "endpointslices.discovery.k8s.io/v1 shop Judged [] [kubernetes.io/service-name=x]",
        ];
        assert_eq!(shown(&mk_named("service", ObjectDemand::Rule)), rule);
        assert_eq!(shown(&mk_named("service", mk_condition())), rule[..1]);
    }

    #[test]
    fn labels_select_objects() {
        let pods = mk_labelled("pod", 2);
        assert_eq!(shown(&pods), ["pods/v1 shop Judged [] [app=db,tier=x]"]);
        let on_node = mk_on_node(pods);
        let expected = "pods/v1 shop Judged [spec.nodeName=n1] [app=db,tier=x]";
        assert_eq!(shown(&on_node), [expected]);
        let jobs = ["jobs.batch/v1 shop Judged [] [app=db,tier=x]"];
        assert_eq!(shown(&mk_labelled("job", 1)), jobs);
    }

    #[test]
    fn a_daemonset_on_a_node_needs_the_pods_there() {
        let expected = [
            "daemonsets.apps/v1 shop Judged [metadata.name=x] []",
            "pods/v1 shop Judged [spec.nodeName=n1] []",
        ];
        assert_eq!(
            shown(&mk_on_node(mk_named("daemonset", ObjectDemand::Rule))),
            expected
        );
        let expected = ["pods/v1 shop Judged [metadata.name=x] []"];
        assert_eq!(
            shown(&mk_on_node(mk_named("pod", ObjectDemand::Rule))),
            expected
        );
    }

    #[test]
    fn a_source_contains_what_its_selectors_select() {
        let mk = |namespace: &str, name: &str, tier: &str, node: &str| {
            json!({
                "metadata": {"namespace": namespace, "name": name, "labels": {"app": "db", "tier": tier}},
                "spec": {"nodeName": node},
            })
        };
        let labelled = Sources::of(&mk_on_node(mk_labelled("pod", 1)))
            .related
            .unwrap();
        let named = Sources::of(&mk_named("pod", ObjectDemand::Rule))
            .named
            .unwrap();
        for (object, is_labelled, is_named) in [
            (mk("shop", "x", "x", "n1"), true, true),
            (mk("shop", "y", "x", "n1"), true, false),
            (mk("shop", "x", "y", "n1"), false, true),
            (mk("shop", "x", "x", "n2"), false, true),
            (mk("other", "x", "x", "n1"), false, false),
            (json!({"metadata": {"name": "x"}}), false, true),
            (json!({}), false, false),
        ] {
            assert_eq!(labelled.contains(&object), is_labelled, "{object}");
            assert_eq!(named.contains(&object), is_named, "{object}");
        }
    }

    #[test]
    fn objects_without_a_namespace_contain_none_with_one() {
        let node = Sources::of(&mk_named("node", ObjectDemand::Rule))
            .named
            .unwrap();
        assert!(node.contains(&json!({"metadata": {"name": "x"}})));
        let elsewhere = json!({"metadata": {"name": "x", "namespace": "shop"}});
        assert!(!node.contains(&elsewhere));
    }
}
