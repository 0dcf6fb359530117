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
    language::{AnnotationError, Namespace, PodAnnotations},
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
    /// An annotation in a place where it has no effect, or where oncue cannot see its pods.
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

/// One object of a document, read once for all findings and for the model.
struct ReadObject<'o> {
    /// The position of the document.
    document: usize,
    /// The place of the object in its document.
    pointer: String,
    object: &'o Value,
    workloads: Vec<ReadWorkload<'o>>,
}

/// One workload, and the member of a model that it is, or what is wrong with its annotations.
struct ReadWorkload<'o> {
    workload: Workload<'o>,
    member: Result<Member, Vec<AnnotationError>>,
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
        let mut findings = Vec::new();
        let mut modelled = Modelled::default();
        for (index, document) in objects.iter().enumerate() {
            for read in self.read(index, document) {
                // With all objects at hand, `Waits` knows better who signals what.
                let alone = self.lint_alone(&read).into_iter();
                findings.extend(alone.filter(|it| it.code != Code::Unproduced));
                findings.extend(self.near_misses(&read));
                self.add(&mut modelled, read);
            }
        }
        self.add_variables(&mut modelled);
        findings.extend(Waits::new(self, &modelled).findings());
        findings
    }

    fn near_misses(&self, read: &ReadObject<'_>) -> Vec<Finding> {
        let keys = &self.settings.keys;
        let workloads = read.workloads.iter();
        let places = workloads.map(|it| Places::new(keys, read.document, &it.workload));
        places
            .flat_map(|places| misspelt::near_misses(keys, &places))
            .collect()
    }

    /// Returns the findings about one object on its own.
    pub fn lint_object(&self, object: &Value) -> Vec<Finding> {
        let read = self.read(0, object);
        read.flat_map(|read| self.lint_alone(&read)).collect()
    }

    /// Returns the model of `objects`, without the workloads whose annotations cannot be read.
    pub fn model(&self, objects: &[&'a Value]) -> Modelled<'a> {
        let mut modelled = Modelled::default();
        for (index, document) in objects.iter().enumerate() {
            for read in self.read(index, document) {
                self.add(&mut modelled, read);
            }
        }
        self.add_variables(&mut modelled);
        modelled
    }

    /// Reads the objects of the document at a position.
    fn read<'o>(
        &self,
        document: usize,
        value: &'o Value,
    ) -> impl Iterator<Item = ReadObject<'o>> + use<'_, 'a, 'o> {
        workload::objects(value).map(move |(pointer, object)| {
            let workloads = Workload::all(object, &pointer).into_iter();
            let read = |workload| ReadWorkload {
                member: Member::read(&workload, &self.settings.keys, self.namespace),
                workload,
            };
            ReadObject {
                workloads: workloads.map(read).collect(),
                document,
                pointer,
                object,
            }
        })
    }

    fn add<'o>(&self, modelled: &mut Modelled<'o>, read: ReadObject<'o>) {
        let ReadObject {
            document, object, ..
        } = read;
        if read.workloads.is_empty() {
            modelled.others.push(object);
            modelled.model.add_object(object, self.namespace);
            modelled.namespaces.extend(self.readers(object));
        }
        for ReadWorkload { workload, member } in read.workloads {
            if let Ok(member) = member {
                let origin = Origin {
                    object: document,
                    workload,
                };
                self.add_member(modelled, member, origin);
            }
        }
    }

    /// Adds what is there whatever the objects do.
    fn add_variables(&self, modelled: &mut Modelled<'_>) {
        let existing = self.existing.iter().cloned();
        for variable in existing.chain(self.assumed_variables()) {
            modelled.model.insert(Member::from(&variable));
        }
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

    fn add_member<'o>(&self, modelled: &mut Modelled<'o>, mut member: Member, origin: Origin<'o>) {
        if self.settings.leaves_out(&member.namespace) {
            member.annotations = PodAnnotations::default();
        }
        let id = modelled.model.insert(member);
        modelled.origins.insert(id, origin);
    }

    /// Finds annotations of `workload` in places where they have no effect.
    pub fn misplaced(&self, object: usize, workload: &Workload<'_>) -> Vec<Finding> {
        placement::on_workload(&self.settings.keys, object, workload)
    }

    /// Finds what is wrong with one workload, whatever else there is.
    fn on_its_own(&self, object: usize, read: &ReadWorkload<'_>) -> Vec<Finding> {
        let Ok(member) = &read.member else {
            return Vec::new();
        };
        let places = Places::new(&self.settings.keys, object, &read.workload);
        let mut findings = operators::findings(member, &places);
        findings.extend(deadlines::findings(member, &places));
        findings
    }

    fn lint_alone(&self, read: &ReadObject<'_>) -> Vec<Finding> {
        let ReadObject {
            document,
            pointer,
            object,
            workloads,
        } = read;
        let keys = &self.settings.keys;
        let mut findings = placement::out_of_sight(keys, *document, pointer, object);
        if workloads.is_empty() {
            findings.extend(placement::on_other_object(keys, *document, pointer, object));
        }
        for read in workloads {
            findings.extend(self.misplaced(*document, &read.workload));
            findings.extend(self.on_its_own(*document, read));
            findings.extend(self.admission(*document, read));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
