//! The files before and after.

use std::sync::Arc;

use oncue_convert::{
    leftover::{Leftover, leftovers},
    plan::{ContainerPlan, Outcome, PodPlan, Settings, plan},
};
use crate::manifests::{Change, Document, Edit, File, ManifestError, Rewriting, Source};

/// What becomes of a set of files.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) files: Vec<ConvertedFile>,
    pub(super) containers: Vec<Container>,
    pub(super) leftovers: Vec<Leftover>,
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

/// One init container with its place.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) file: String,
    pub(super) line: usize,
    /// The object, such as `Deployment/web`.
    pub(super) object: String,
    pub(super) pointer: String,
    pub(super) plan: ContainerPlan,
}

impl Conversion {
    /// Converts all files that can be read, and returns what is wrong with the others.
    pub(super) fn new(sources: &[Arc<Source>], settings: &Settings) -> (Self, Vec<ManifestError>) {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        for source in sources {
            match File::read(source) {
                Ok(file) => files.push(file),
                Err(error) => errors.push(error),
            }
        }
        let documents: Vec<_> = files.iter().flat_map(File::documents).collect();
        let objects: Vec<_> = documents.iter().map(|document| document.object()).collect();
        let mut plans = plan(&objects, settings);
        let changes: Vec<_> = plans
            .iter_mut()
            .map(|plan| change(documents[plan.document], plan))
            .collect();
        let leftovers = leftovers(&objects, &plans);
        let containers = plans
            .iter()
            .flat_map(|plan| located(documents[plan.document], plan));
        let conversion = Self {
            containers: containers.collect(),
            files: rewrite(&files, &plans, &changes),
            leftovers,
        };
        (conversion, errors)
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

/// Returns the changes of the text that carry out a plan. If the text cannot be changed, the plan
/// leaves its containers alone.
fn change(document: &Document, plan: &mut PodPlan) -> Vec<Change> {
    let removed: Vec<_> = plan.removed().collect();
    if removed.is_empty() {
        return Vec::new();
    }
    let mut edits = vec![Edit::RemoveItems {
        pointer: format!("{}/spec/initContainers", plan.template),
        items: removed,
    }];
    edits.extend(plan.annotations.iter().map(|annotation| Edit::Set {
        pointer: plan.template.clone(),
        keys: vec![
            "metadata".to_owned(),
            "annotations".to_owned(),
            annotation.key.clone(),
        ],
        value: annotation.value.clone(),
    }));
    match document.edit(&edits) {
        Ok(changes) => changes,
        Err(error) => {
            leave(plan, &error.to_string());
            Vec::new()
        }
    }
}

fn leave(plan: &mut PodPlan, reason: &str) {
    plan.annotations.clear();
    for container in &mut plan.containers {
        if matches!(container.outcome, Outcome::Converted { .. }) {
            container.outcome = Outcome::Left {
                reason: format!("stands where the file cannot be changed: {reason}"),
            };
            container.notes.clear();
        }
    }
}

/// Returns the init containers of a plan with their places.
fn located(document: &Document, plan: &PodPlan) -> Vec<Container> {
    let places = document.places();
    let containers = plan.containers.iter().map(|container| {
        let pointer = format!("{}/spec/initContainers/{}", plan.template, container.index);
        let location = places.locate(&pointer);
        Container {
            file: location.file().to_owned(),
            line: location.line(),
            object: plan.object.clone(),
            pointer,
            plan: container.clone(),
        }
    });
    containers.collect()
}

/// Returns every file with the changes of the plans for its documents.
fn rewrite(files: &[File], plans: &[PodPlan], changes: &[Vec<Change>]) -> Vec<ConvertedFile> {
    let mut first = 0;
    let mut converted = Vec::new();
    for file in files {
        let documents = first..first + file.documents().len();
        first = documents.end;
        let of_file = plans.iter().zip(changes);
        let of_file = of_file.filter(|(plan, _)| documents.contains(&plan.document));
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
