//! How a command that looks at objects begins: what it looks at, and what that is held against.

use std::fmt;

use serde_json::Value;

use super::{
    cluster::{Cluster, ClusterArgs},
    files,
    object::text,
    output,
    settings::InjectionArgs,
    signal_manifests::SignalManifests,
};
use crate::{
    assumption::Assumption,
    cluster::{Place, Unlisted},
    cross_namespace::Policy,
    injection::Settings,
    language::Namespace,
    lint::{Finding, Linter, Modelled},
    manifests::{Document, EmitError, File, Input, Manifests},
    model::ExistingVariable,
    workload,
};

/// Objects, and what they are held against.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) manifests: Manifests,
    pub(super) frame: Frame,
    pub(super) source: Source,
    /// The variables that exist whatever the objects do.
    existing: Vec<ExistingVariable>,
    /// What is wrong with the Signals among the objects.
    findings: Vec<Finding>,
    /// What is true although no object says so.
    assumptions: Vec<Assumption>,
    /// What should have been read besides, and why it is not.
    unlisted: Vec<Unlisted>,
}

/// Where objects are from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Files,
    Live(Place),
}

/// Prints as it is said of something that is there: `in these files`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files => f.write_str("in these files"),
            Self::Live(place) => place.fmt(f),
        }
    }
}

/// What objects are held against.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) settings: Settings,
    /// The rules for terms about other namespaces.
    policy: Policy,
    pub(super) namespace: Namespace,
}

impl Frame {
    /// Returns what objects of `cluster` are held against; without one, those of files.
    pub(super) fn new(
        cluster: Option<&Cluster>,
        args: &ClusterArgs,
        injection: &InjectionArgs,
    ) -> anyhow::Result<Self> {
        let (settings, policy) = injection.read(cluster)?;
        Ok(Self {
            settings,
            policy,
            namespace: args.namespace(cluster)?,
        })
    }
}

impl Frame {
    /// Returns what files are held against: the settings of a cluster if one is named.
    pub(super) fn of_files(args: &ClusterArgs, injection: &InjectionArgs) -> anyhow::Result<Self> {
        let cluster = args.connect_if_named()?;
        let mut frame = Self::new(cluster.as_ref(), args, injection)?;
        if let Some(cluster) = &cluster {
            frame.trust_the_store_in(cluster);
        }
        Ok(frame)
    }

    /// Adds the CA that the webhook takes from its cluster, if the settings have none.
    fn trust_the_store_in(&mut self, cluster: &Cluster) {
        let store = &mut self.settings.store;
        if !store.lacks_ca() {
            return;
        }
        match cluster.published_ca() {
            Ok(ca) => store.ca_pem = Some(ca),
            Err(error) => output::note(&format!("{error}")),
        }
    }

    /// Takes in the labels of the namespaces in the files, by which a namespaceSelector may exclude
    /// them.
    pub(super) fn learn(&mut self, manifests: &Manifests) {
        let documents = manifests.documents().map(Document::object);
        for (_, object) in documents.flat_map(workload::objects) {
            let [kind, version, name] =
                ["/kind", "/apiVersion", "/metadata/name"].map(|pointer| text(object, pointer));
            if (kind, version) != ("Namespace", "v1") {
                continue;
            }
            let labels = object
                .pointer("/metadata/labels")
                .and_then(Value::as_object);
            let labels = labels.into_iter().flatten();
            let labels = labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
            if let Ok(namespace) = name.parse() {
                self.settings.scope.learn(&namespace, &labels.collect());
            }
        }
    }

    /// Returns the linter with these settings.
    pub(super) fn linter(&self) -> Linter<'_> {
        Linter {
            settings: &self.settings,
            namespace: &self.namespace,
            existing: &[],
            assumptions: &[],
            // What a cluster holds of other namespaces is not among these objects.
            policy: None,
        }
    }
}

impl Opening {
    /// Opens files; they are held against the settings of a cluster where one is named.
    pub(super) fn files(
        inputs: &[Input],
        args: &ClusterArgs,
        injection: &InjectionArgs,
    ) -> anyhow::Result<Self> {
        let frame = Frame::of_files(args, injection)?;
        Ok(Self::of_files(files::read(inputs)?, frame))
    }

    /// Opens files that are read already.
    pub(super) fn of_files(manifests: Manifests, mut frame: Frame) -> Self {
        frame.learn(&manifests);
        let objects = manifests.documents().map(Document::object);
        let SignalManifests { existing, findings } =
            SignalManifests::read(objects, &frame.namespace);
        Self {
            manifests,
            existing,
            findings,
            frame,
            source: Source::Files,
            assumptions: Vec::new(),
            unlisted: Vec::new(),
        }
    }

    /// Opens everything that makes pods in a part of a cluster.
    pub(super) fn live(cluster: &Cluster, frame: Frame, place: Place) -> anyhow::Result<Self> {
        let (objects, unlisted) = cluster.actors(&place);
        Ok(Self {
            manifests: show(objects)?,
            existing: cluster.existing(&place),
            findings: Vec::new(),
            frame,
            source: Source::Live(place),
            assumptions: Vec::new(),
            unlisted,
        })
    }

    /// Opens one live object, and everything that makes pods around it.
    pub(super) fn around(cluster: &Cluster, frame: Frame, object: Value) -> anyhow::Result<Self> {
        let place = Place::Namespace(frame.namespace.clone());
        let (mut objects, unlisted) = cluster.actors(&place);
        objects.retain(|other| workload::uid(other) != workload::uid(&object));
        objects.insert(0, object);
        Ok(Self {
            manifests: show(objects)?,
            existing: cluster.existing(&place),
            findings: Vec::new(),
            frame,
            source: Source::Live(place),
            assumptions: Vec::new(),
            unlisted,
        })
    }

    /// Says what should have been read besides.
    pub(super) fn complain(&self) {
        for unlisted in &self.unlisted {
            output::note(&unlisted.to_string());
        }
    }

    /// Returns the objects, in their order.
    pub(super) fn objects(&self) -> Vec<&Value> {
        self.manifests.documents().map(Document::object).collect()
    }

    /// Returns what says what is wrong with them.
    pub(super) fn linter(&self) -> Linter<'_> {
        let is_of_files = self.source == Source::Files;
        Linter {
            existing: &self.existing,
            assumptions: &self.assumptions,
            policy: is_of_files.then_some(&self.frame.policy),
            ..self.frame.linter()
        }
    }

    /// Returns the same objects with more that is true of them.
    pub(super) fn assuming(self, assumptions: Vec<Assumption>) -> Self {
        Self {
            assumptions,
            ..self
        }
    }

    /// Returns what is wrong with them.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.linter().lint(&self.objects());
        findings.extend(self.findings.iter().cloned());
        findings
    }

    /// Returns the model of who produces what for whom among them.
    pub(super) fn model(&self) -> Modelled<'_> {
        self.linter().model(&self.objects())
    }
}

/// Returns live objects as files, which have places that can be shown.
fn show(objects: Vec<Value>) -> Result<Manifests, EmitError> {
    let files = objects.into_iter().map(|object| {
        let name = name(&object);
        File::of_object(&name, object)
    });
    let files: Vec<_> = files.collect::<Result<_, _>>()?;
    Ok(files.into())
}

/// Returns what a live object is called where a file's name would stand.
fn name(object: &Value) -> String {
    let [kind, name] = ["/kind", "/metadata/name"].map(|pointer| text(object, pointer));
    format!("{kind}/{name}")
}
