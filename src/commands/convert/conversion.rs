//! The files before and after.

use std::{collections::BTreeMap, sync::Arc};

use oncue_convert::{
    compose::{self, ComposePlan, Dependency},
    leftover::{Leftover, leftovers},
    plan::{Annotation, Outcome, PodPlan, Settings, plan},
};
use serde_json::Value;

use crate::manifests::{Change, Document, Edit, File, ManifestError, Rewriting, Source};

/// What happens to a set of files.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) files: Vec<ConvertedFile>,
    pub(super) decisions: Vec<Decision>,
    pub(super) leftovers: Vec<Leftover>,
    /// What the files say before the conversion, with waits as they were understood.
    understood: Vec<(String, Value)>,
}

/// One file.
#[derive(Debug)]
pub(super) struct ConvertedFile {
    pub(super) name: String,
    pub(super) before: String,
    /// `None` if nothing changes.
    pub(super) after: Option<String>,
}

/// A file that changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangedFile<'f> {
    pub(super) name: &'f str,
    pub(super) before: &'f str,
    pub(super) after: &'f str,
}

/// What became of one init container, or of one dependency of a compose file.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) file: String,
    /// Counted from 1; 0 if the place is not known.
    pub(super) line: usize,
    /// The object, such as `Deployment/web`, or the service of a compose file.
    pub(super) object: String,
    pub(super) kind: Kind,
    /// The name of the container, or of the service that the other depends on.
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) notes: Vec<String>,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Dependency,
    InitContainer,
    SchedulingGate,
}

impl Conversion {
    /// Converts all files that can be read, and returns what is wrong with the others.
    pub(super) fn new(sources: &[Arc<Source>], settings: &Settings) -> (Self, Vec<ManifestError>) {
        let (files, errors) = read(sources);
        let documents: Vec<_> = files.iter().flat_map(File::documents).collect();
        let objects: Vec<_> = documents.iter().map(|document| document.object()).collect();
        let mut plans = plan(&objects, settings);
        let changes: Vec<_> = plans
            .iter_mut()
            .map(|plan| (plan.document, change(documents[plan.document], plan)))
            .collect();
        let decisions = plans
            .iter()
            .flat_map(|plan| located(documents[plan.document], plan));
        let conversion = Self {
            decisions: decisions.collect(),
            files: rewrite(&files, &changes),
            leftovers: leftovers(&objects, &plans),
            understood: understood(&documents, &plans),
        };
        (conversion, errors)
    }

    /// Maps the dependencies of a compose file onto the files that were made from it.
    pub(super) fn of_compose(
        sources: &[Arc<Source>],
        compose: &Document,
    ) -> (Self, Vec<ManifestError>) {
        let (files, errors) = read(sources);
        let documents: Vec<_> = files.iter().flat_map(File::documents).collect();
        let objects: Vec<_> = documents.iter().map(|document| document.object()).collect();
        let (dependencies, changes) = changeable(compose.object(), &objects, &documents);
        let places = compose.places();
        let decisions = dependencies.into_iter().map(|dependency| {
            let service = format!("/services/{}/depends_on", dependency.service);
            Decision {
                file: compose.file().to_owned(),
                line: places.locate(&service).line(),
                object: dependency.service,
                kind: Kind::Dependency,
                name: dependency.on,
                outcome: dependency.outcome,
                notes: dependency.notes,
            }
        });
        let conversion = Self {
            decisions: decisions.collect(),
            files: rewrite(&files, &changes),
            leftovers: Vec::new(),
            understood: Vec::new(),
        };
        (conversion, errors)
    }

    /// Returns the objects before the conversion, with what their init containers were understood
    /// to wait for.
    pub(super) fn understood(&self) -> &[(String, Value)] {
        &self.understood
    }

    /// Returns the files that change.
    pub(super) fn changed_files(&self) -> Vec<ChangedFile<'_>> {
        let changed = self.files.iter().filter_map(|file| {
            Some(ChangedFile {
                name: &file.name,
                before: &file.before,
                after: file.after.as_deref()?,
            })
        });
        changed.collect()
    }
}

fn read(sources: &[Arc<Source>]) -> (Vec<File>, Vec<ManifestError>) {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for source in sources {
        let (file, broken) = File::read_rest(source);
        files.push(file);
        errors.extend(broken);
    }
    (files, errors)
}

/// Maps the dependencies of a compose file, without those of workloads whose text cannot be changed.
/// Returns them with the changes of the documents.
fn changeable(
    compose: &Value,
    objects: &[&Value],
    documents: &[&Document],
) -> (Vec<Dependency>, Vec<(usize, Vec<Change>)>) {
    let mut unchangeable = BTreeMap::new();
    loop {
        let ComposePlan { dependencies, pods } = compose::plan(compose, objects, &unchangeable);
        let mut changes = Vec::new();
        let refused = unchangeable.len();
        for pod in pods {
            let edit = annotating(&pod.template, &pod.annotations);
            match documents[pod.document].edit(&[edit]) {
                Ok(change) => changes.push((pod.document, change)),
                Err(error) => {
                    unchangeable.insert(pod.workload, error.to_string());
                }
            }
        }
        // Each round leaves out at least one more workload.
        if unchangeable.len() == refused {
            return (dependencies, changes);
        }
    }
}

/// Returns the changes of the text that carry out a plan. If the text cannot be changed, the plan
/// leaves its containers alone.
fn change(document: &Document, plan: &mut PodPlan) -> Vec<Change> {
    let removed: Vec<_> = plan.removed().collect();
    let opened: Vec<_> = plan.opened().collect();
    let lists = [("initContainers", removed), ("schedulingGates", opened)];
    let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
    let mut edits: Vec<_> = lists
        .map(|(list, items)| Edit::RemoveItems {
            pointer: format!("{}/spec/{list}", plan.template),
            items,
        })
        .collect();
    if edits.is_empty() {
        return Vec::new();
    }
    if !plan.annotations.is_empty() {
        edits.push(annotating(&plan.template, &plan.annotations));
    }
    match document.edit(&edits) {
        Ok(changes) => changes,
        Err(error) => {
            leave(plan, &error.to_string());
            Vec::new()
        }
    }
}

fn annotating(template: &str, annotations: &[Annotation]) -> Edit {
    let entries = annotations.iter();
    let entries = entries.map(|annotation| (annotation.key.clone(), annotation.value.clone()));
    Edit::Set {
        pointer: template.to_owned(),
        keys: vec!["metadata".to_owned(), "annotations".to_owned()],
        entries: entries.collect(),
    }
}

/// Returns all objects; those of which a plan converts containers have the terms of each of them.
fn understood(documents: &[&Document], plans: &[PodPlan]) -> Vec<(String, Value)> {
    let mut objects: Vec<_> = documents
        .iter()
        .map(|document| (document.file().to_owned(), document.object().clone()))
        .collect();
    for plan in plans {
        let mut terms = Vec::new();
        for container in plan.containers.iter().chain(&plan.gates) {
            if let Outcome::Converted { terms: own } = &container.outcome {
                terms.extend(own.iter().cloned());
            }
        }
        let object = &mut objects[plan.document].1;
        if let Some(template) = object
            .pointer_mut(&plan.template)
            .filter(|_| !terms.is_empty())
        {
            let key = plan
                .annotations
                .first()
                .map_or("depends-on", |it| &*it.key)
                .to_owned();
            let annotations = &mut template["metadata"]["annotations"];
            if let Some(before) = annotations[&*key].as_str() {
                terms.insert(0, before.to_owned());
            }
            annotations[key] = terms.join("\n").into();
        }
    }
    objects
}

fn leave(plan: &mut PodPlan, reason: &str) {
    plan.annotations.clear();
    for container in plan.containers.iter_mut().chain(&mut plan.gates) {
        if matches!(container.outcome, Outcome::Converted { .. }) {
            container.outcome = Outcome::Left {
                reason: format!("stands where the file cannot be changed: {reason}"),
            };
            container.notes.clear();
        }
    }
}

/// Returns what a plan says of its init containers, with their places.
fn located(document: &Document, plan: &PodPlan) -> Vec<Decision> {
    let places = document.places();
    let containers = plan.containers.iter();
    let containers = containers.map(|it| (it, Kind::InitContainer, "initContainers"));
    let gates = plan.gates.iter();
    let gates = gates.map(|it| (it, Kind::SchedulingGate, "schedulingGates"));
    let decisions = containers.chain(gates).map(|(container, kind, list)| {
        let index = container.index;
        let location = places.locate(&format!("{}/spec/{list}/{index}", plan.template));
        Decision {
            file: location.file().to_owned(),
            line: location.line(),
            object: plan.object.clone(),
            kind,
            name: container.name.clone(),
            outcome: container.outcome.clone(),
            notes: container.notes.clone(),
        }
    });
    decisions.collect()
}

/// Returns every file with the changes of its documents, which go by their numbers.
fn rewrite(files: &[File], changes: &[(usize, Vec<Change>)]) -> Vec<ConvertedFile> {
    let mut first = 0;
    let mut converted = Vec::new();
    for file in files {
        let documents = first..first + file.documents().len();
        first = documents.end;
        let of_file = changes
            .iter()
            .filter(|(document, _)| documents.contains(document));
        let mut of_file: Vec<_> = of_file.flat_map(|(_, changes)| changes).collect();
        of_file.sort_by_key(|change| change.start());
        let source = file.source();
        let mut text = Rewriting::new(source);
        for change in &of_file {
            text.change(change);
        }
        converted.push(ConvertedFile {
            name: source.name().to_owned(),
            before: source.text().to_owned(),
            after: (!of_file.is_empty()).then(|| text.finish()),
        });
    }
    converted
}
