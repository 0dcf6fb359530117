//! The findings of `check` and of the workload webhook.
//!
//! Pure. Each object is checked like admission checks its pods. All objects together are checked
//! for producers and cycles.

mod admission;
mod conditions;
mod deadlines;
mod misspelt;
mod near_services;
mod nearest;
mod operators;
mod order;
mod other_namespaces;
mod placement;
mod places;
mod probes;
mod sample;
mod unproduced;
mod waits;

pub use self::{admission::Admitted, sample::Sample};

use std::collections::BTreeMap;

use serde_json::Value;
use strum::{Display, IntoStaticStr};

use self::{
    places::Places,
    waits::{Said, Waits},
};
use crate::{
    assumption::Assumption,
    cross_namespace::{self, Policy, Readers},
    injection::Settings,
    language::{Namespace, PodAnnotations},
    model::{ExistingVariable, Member, MemberId, Model},
    workload::{self, Workload},
};

/// One mistake or risk in an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The kind of mistake.
    pub code: Code,
    /// The mistake and its correction, in words.
    pub message: String,
    /// The place.
    pub place: Place,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, Display, Eq, IntoStaticStr, Ord, PartialEq, PartialOrd)]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// The pod is rejected, or never starts.
    Error,
    /// The mistake may be intended.
    Warning,
}

impl Severity {
    /// Returns the severity as one word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The kind of a finding: a closed set, so that scripts can rely on it.
#[derive(Clone, Copy, Debug, Display, Eq, Hash, IntoStaticStr, Ord, PartialEq, PartialOrd)]
#[strum(serialize_all = "kebab-case")]
pub enum Code {
    /// Admission admits the pod with a warning.
    Admission,
    /// An annotation that breaks the grammar or does not suit its pod.
    BadAnnotation,
    /// A Signal that the API server rejects, or that has no effect.
    BadSignal,
    /// Workloads that wait for each other forever.
    Deadlock,
    /// A wait that another namespace does not permit.
    Forbidden,
    /// A wait that the order of an installer makes impossible: hooks, waves, or change rules.
    Hook,
    /// A Job that its own limits may end while it waits.
    JobLimit,
    /// An annotation in a place where it has no effect.
    Misplaced,
    /// A wait that cannot end with these files.
    NeverHolds,
    /// A pod with oncue's annotations that is not injected.
    NotInjected,
    /// A pod that admission rejects for another reason than its annotations.
    Refused,
    /// A key that is reserved for a later version.
    ReservedKey,
    /// A key that resembles one of oncue's.
    UnknownKey,
    /// A wait for an object that is not in the files.
    UnknownObject,
    /// A variable that no object in the files signals.
    Unproduced,
    /// A part of a file that cannot be read as an object.
    Unreadable,
}

impl Code {
    /// Returns the code as one word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The place of a finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The position of the object in the set that was checked.
    pub object: usize,
    /// The place in the object (RFC 6901).
    pub pointer: String,
    /// The part of the field.
    pub part: Part,
}

/// A part of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The character at this column of its value, counted from 1.
    Column(usize),
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// A model of objects, with the place of each member.
#[derive(Debug, Default)]
pub struct Modelled<'a> {
    /// The model.
    pub model: Model,
    /// The place of each member.
    pub origins: BTreeMap<MemberId, Origin<'a>>,
    /// The objects without pods.
    pub others: Vec<&'a Value>,
    /// The namespaces among the objects, with those that may read them; `None` if they do not say.
    pub namespaces: BTreeMap<Namespace, Option<Readers>>,
}

/// The place of a member of a model.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The position of the object in the set that was checked.
    pub object: usize,
    /// The workload in it.
    pub workload: Workload<'a>,
}

/// The settings that objects are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Linter<'a> {
    /// The settings of admission.
    pub settings: &'a Settings,
    /// The namespace of objects without one.
    pub namespace: &'a Namespace,
    /// The variables that exist whatever the objects do, such as those of Signals.
    pub existing: &'a [ExistingVariable],
    /// What is true although no object says so.
    pub assumptions: &'a [Assumption],
    /// The rules for terms about other namespaces; without rules, no finding is about these.
    pub policy: Option<&'a Policy>,
}

impl<'a> Linter<'a> {
    /// Returns the findings about a set of objects that are used together.
    pub fn lint(&self, objects: &[&'a Value]) -> Vec<Finding> {
        let mut findings: Vec<_> = objects
            .iter()
            .enumerate()
            .flat_map(|(index, object)| self.lint_alone(index, object))
            .collect();
        // With all objects at hand, `Waits` knows better who signals what.
        findings.retain(|it| it.code != Code::Unproduced);
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

    /// Returns the findings about one object on its own.
    pub fn lint_object(&self, object: &Value) -> Vec<Finding> {
        self.lint_alone(0, object)
    }

    /// Returns the model of `objects`, without the workloads whose annotations cannot be read.
    pub fn model(&self, objects: &[&'a Value]) -> Modelled<'a> {
        let mut modelled = Modelled::default();
        for (object, document) in objects.iter().enumerate() {
            for (pointer, value) in workload::objects(document) {
                let workloads = Workload::all(value, &pointer);
                if workloads.is_empty() {
                    modelled.others.push(value);
                    modelled.model.add_object(value, self.namespace);
                    modelled.namespaces.extend(self.readers(value));
                }
                for workload in workloads {
                    self.add_workload(&mut modelled, Origin { object, workload });
                }
            }
        }
        for variable in self
            .existing
            .iter()
            .cloned()
            .chain(self.assumed_variables())
        {
            modelled.model.insert(Member::from(&variable));
        }
        modelled
    }

    /// Returns who may read a namespace, if the object is one.
    fn readers(&self, object: &Value) -> Option<(Namespace, Option<Readers>)> {
        let name = cross_namespace::name_of(object)?;
        Some((name, self.policy?.readers(object)))
    }

    fn assumed_variables(&self) -> impl Iterator<Item = ExistingVariable> {
        let assumptions = self.assumptions.iter();
        assumptions.flat_map(|it| it.variables(self.namespace))
    }

    fn add_workload(&self, modelled: &mut Modelled<'a>, origin: Origin<'a>) {
        let member = Member::read(&origin.workload, &self.settings.keys, self.namespace);
        if let Ok(mut member) = member {
            if self.settings.leaves_out(&member.namespace) {
                member.annotations = PodAnnotations::default();
            }
            let id = modelled.model.insert(member);
            modelled.origins.insert(id, origin);
        }
    }

    /// Finds annotations of `workload` in places where they have no effect.
    pub fn misplaced(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        placement::on_workload(&self.settings.keys, object, workload)
    }

    /// Finds what is wrong with one workload, whatever else there is.
    fn on_its_own(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        let Ok(member) = Member::read(workload, &self.settings.keys, self.namespace) else {
            return Vec::new();
        };
        let places = Places::new(&self.settings.keys, object, workload);
        let mut findings = operators::findings(&member, &places);
        findings.extend(deadlines::findings(&member, &places));
        findings
    }

    fn lint_alone(&self, index: usize, object: &Value) -> Vec<Finding> {
        let keys = &self.settings.keys;
        let mut findings = Vec::new();
        for (pointer, object) in workload::objects(object) {
            let workloads = Workload::all(object, &pointer);
            if workloads.is_empty() {
                findings.extend(placement::on_other_object(keys, index, &pointer, object));
            }
            for workload in &workloads {
                findings.extend(self.misplaced(index, workload));
                findings.extend(self.on_its_own(index, workload));
                findings.extend(self.admission(index, workload));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests;
