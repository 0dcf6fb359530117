//! The findings of `check` and of the workload webhook.
//!
//! Pure. Each object is checked like admission checks its pods. All objects together are checked
//! for producers and cycles.

mod admission;
mod hooks;
mod misspelt;
mod nearest;
mod placement;
mod places;
mod sample;
mod unproduced;
mod waits;

pub use self::{admission::Admitted, sample::Sample};

use std::collections::BTreeMap;

use serde_json::Value;
use strum::{Display, IntoStaticStr};

use self::{places::Places, waits::Waits};
use crate::{
    injection::Settings,
    language::Namespace,
    model::{Member, MemberId, Model},
    workload::{self, Workload},
};

/// One thing to be said of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of thing it is.
    pub code: Code,
    /// What is wrong and what would be right, in words.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Display, Eq, IntoStaticStr, Ord, PartialEq, PartialOrd)]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// The pod is refused, or never starts.
    Error,
    /// It may be meant.
    Warning,
}

impl Severity {
    /// Returns the severity as one word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What kind of thing is found: closed, so that scripts can rely on it.
#[derive(Clone, Copy, Debug, Display, Eq, Hash, IntoStaticStr, Ord, PartialEq, PartialOrd)]
#[strum(serialize_all = "kebab-case")]
pub enum Code {
    /// Admission lets the pod in with a warning.
    Admission,
    /// An annotation that breaks the grammar or does not go with its pod.
    BadAnnotation,
    /// Workloads that wait for each other forever.
    Deadlock,
    /// A hook of Helm's or Argo CD's that runs too late, or too early.
    Hook,
    /// An annotation in a place where it has no effect.
    Misplaced,
    /// A wait that cannot end as the files stand.
    NeverHolds,
    /// A pod that asks for something and is left alone.
    NotInjected,
    /// A pod that admission refuses for something else than its annotations.
    Refused,
    /// A key that is kept for later.
    ReservedKey,
    /// A key that looks like ours and is not.
    UnknownKey,
    /// An object that is waited for and not in the files.
    UnknownObject,
    /// A variable that no object in the files signals.
    Unproduced,
}

impl Code {
    /// Returns the code as one word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where something is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The position of the object among those that were looked at.
    pub object: usize,
    /// The place in the object (RFC 6901).
    pub pointer: String,
    /// Which part of it.
    pub part: Part,
}

/// Which part of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The character at this column of its value, counted from 1.
    Column(usize),
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// A model of objects, with where each member is written.
#[derive(Debug, Default)]
pub struct Modelled<'a> {
    /// The model.
    pub model: Model,
    /// Where each member is written.
    pub origins: BTreeMap<MemberId, Origin<'a>>,
}

/// Where a member of a model is written.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The position of the object among those that were looked at.
    pub object: usize,
    /// The workload in it.
    pub workload: Workload<'a>,
}

/// What objects are held against.
#[derive(Clone, Copy, Debug)]
pub struct Linter<'a> {
    /// What admission decides with.
    pub settings: &'a Settings,
    /// The namespace of objects that name none.
    pub namespace: &'a Namespace,
}

impl<'a> Linter<'a> {
    /// Returns everything that is wrong with a set of objects that are used together.
    pub fn lint(&self, objects: &[&'a Value]) -> Vec<Finding> {
        let mut findings: Vec<_> = objects
            .iter()
            .enumerate()
            .flat_map(|(index, object)| self.lint_alone(index, object))
            .collect();
        findings.extend(self.near_misses(objects));
        findings.extend(Waits::new(self, &self.model(objects)).findings());
        findings
    }

    fn near_misses(&self, objects: &[&Value]) -> Vec<Finding> {
        let keys = &self.settings.keys;
        let mut findings = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            for workload in workload::find(object) {
                let places = Places::new(keys, index, &workload);
                findings.extend(misspelt::near_misses(keys, &places));
            }
        }
        findings
    }

    /// Says what can be said of one object without the others.
    pub fn lint_object(&self, object: &Value) -> Vec<Finding> {
        self.lint_alone(0, object)
    }

    /// Returns the model of `objects`, without the workloads whose annotations cannot be read.
    pub fn model(&self, objects: &[&'a Value]) -> Modelled<'a> {
        let mut modelled = Modelled::default();
        for (object, document) in objects.iter().enumerate() {
            for (pointer, value) in workload::objects(document) {
                match Workload::new(value, pointer) {
                    Some(workload) => self.add_workload(&mut modelled, Origin { object, workload }),
                    None => modelled.model.add_object(value, self.namespace),
                }
            }
        }
        modelled
    }

    fn add_workload(&self, modelled: &mut Modelled<'a>, origin: Origin<'a>) {
        let member = Member::read(&origin.workload, &self.settings.keys, self.namespace);
        if let Ok(member) = member {
            let id = modelled.model.insert(member);
            modelled.origins.insert(id, origin);
        }
    }

    /// Finds annotations of `workload` in places where they have no effect.
    pub fn misplaced(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        placement::on_workload(&self.settings.keys, object, workload)
    }

    fn lint_alone(&self, index: usize, object: &Value) -> Vec<Finding> {
        let keys = &self.settings.keys;
        let mut findings = Vec::new();
        for (pointer, object) in workload::objects(object) {
            let Some(workload) = Workload::new(object, pointer.clone()) else {
                findings.extend(placement::on_other_object(keys, index, &pointer, object));
                continue;
            };
            findings.extend(self.misplaced(index, &workload));
            findings.extend(self.admission(index, &workload));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
