//! How a command that looks at objects begins: what it looks at, and what that is held against.

use serde_json::Value;

use super::{
    cluster::{Cluster, ClusterArgs},
    files::Files,
    settings::InjectionArgs,
};
use crate::{
    graph::Graph,
    injection::Settings,
    language::Namespace,
    lint::Linter,
    manifests::{Document, Manifests},
};

/// Objects, and what they are held against.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) manifests: Manifests,
    pub(super) frame: Frame,
}

/// What objects are held against.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    settings: Settings,
    namespace: Namespace,
}

impl Frame {
    /// Returns what objects of `cluster` are held against; without one, those of files.
    pub(super) fn new(
        cluster: Option<&Cluster>,
        args: &ClusterArgs,
        injection: &InjectionArgs,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            settings: injection.settings(cluster)?,
            namespace: args.namespace(cluster)?,
        })
    }
}

impl Opening {
    /// Opens files; they are held against the settings of a cluster where one is named.
    pub(super) fn files(
        files: &Files,
        args: &ClusterArgs,
        injection: &InjectionArgs,
    ) -> anyhow::Result<Self> {
        let cluster = args.connect_if_named()?;
        Ok(Self {
            frame: Frame::new(cluster.as_ref(), args, injection)?,
            manifests: files.read()?,
        })
    }

    /// Returns the objects, in their order.
    pub(super) fn objects(&self) -> Vec<&Value> {
        self.manifests.documents().map(Document::object).collect()
    }

    /// Returns what says what is wrong with them.
    pub(super) fn linter(&self) -> Linter<'_> {
        Linter {
            settings: &self.frame.settings,
            namespace: &self.frame.namespace,
        }
    }

    /// Returns who of them waits for whom.
    pub(super) fn graph(&self) -> Graph<'_> {
        let (graph, _) = self.linter().graph(&self.objects());
        graph
    }
}
