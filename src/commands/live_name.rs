//! What an object of a cluster is called.

use std::str::FromStr;

use anyhow::Context;
use serde_json::Value;

use super::cluster::Cluster;
use crate::{
    cluster::{NoWorkload, Resource},
    language::Namespace,
};

/// What an object of a cluster is called: `KIND/NAME`, or `NAME` for a pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct LiveName {
    resource: Resource,
    name: String,
}

impl FromStr for LiveName {
    type Err = NoWorkload;

    fn from_str(text: &str) -> Result<Self, NoWorkload> {
        let (resource, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.parse()?, name),
            None => (Resource::POD, text),
        };
        Ok(Self {
            resource,
            name: name.to_owned(),
        })
    }
}

impl LiveName {
    /// Returns whether it is the name of a pod.
    pub(super) fn is_pod(&self) -> bool {
        self.resource == Resource::POD
    }

    /// Reads the object.
    pub(super) fn read(&self, cluster: &Cluster, namespace: &Namespace) -> anyhow::Result<Value> {
        let Self { resource, name } = self;
        let kind = resource.kind();
        let object = cluster.get(*resource, namespace, name);
        object.with_context(|| {
            let cluster = cluster.name();
            format!("failed to read {kind}/{name} in the namespace {namespace} of {cluster}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_named_with_or_without_its_kind() {
        let pod: LiveName = "web-0".parse().unwrap();
        assert_eq!("po/web-0".parse(), Ok(pod));
        let other: LiveName = "sts/web".parse().unwrap();
        assert_eq!(other.resource.kind(), "StatefulSet");
        assert!("service/web".parse::<LiveName>().is_err());
    }
}
