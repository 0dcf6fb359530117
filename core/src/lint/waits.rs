//! Terms of a set of objects: whether their producers exist and suffice.

use std::cell::OnceCell;

use super::{
    Code, Finding, Linter, Modelled, Origin, Part, Place, Places, Severity,
    order::Orders,
    unproduced::{KnownVariables, KnownWorkloads},
};
use crate::{
    assumption::{Assumption, asked_object},
    graph::describe,
    injection::Settings,
    language::{Demand, Namespace, Presence, Target, annotation::Key},
    model::{Cycle, Link, Links, MemberId, Supply},
    workload::{Workload, WorkloadKind, text},
};

/// The waits of a model, with their places.
pub(super) struct Waits<'m> {
    pub(super) links: Links<'m>,
    pub(super) modelled: &'m Modelled<'m>,
    pub(super) linter: &'m Linter<'m>,
    variables: OnceCell<KnownVariables>,
    workloads: OnceCell<KnownWorkloads>,
    orders: OnceCell<Orders<'m>>,
}

/// A finding without its place.
pub(super) type Said = (Severity, Code, String);

impl<'m> Waits<'m> {
    pub(super) fn new(linter: &'m Linter<'m>, modelled: &'m Modelled<'m>) -> Self {
        Self {
            links: modelled.model.links(),
            modelled,
            linter,
            variables: OnceCell::new(),
            workloads: OnceCell::new(),
            orders: OnceCell::new(),
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for link in self.links.iter().filter(|link| !self.is_assumed(link)) {
            let said = [
                self.unproduced(link),
                self.forbidden(link),
                self.foreign_condition(link),
                self.too_little(link),
                self.one_by_one(link),
                self.suspended(link),
                self.probe(link),
                self.cleaned_up(link),
                self.order(link),
            ];
            let said = said.into_iter().flatten();
            findings.extend(said.map(|said| self.finding(link, said)));
        }
        let cycles = self.links.deadlocks(|link| !self.is_assumed(link));
        findings.extend(cycles.iter().filter_map(|cycle| self.cycle(cycle)));
        findings
    }

    pub(super) fn workload(&self, id: MemberId) -> &Workload<'m> {
        &self.modelled.origins[&id].workload
    }

    pub(super) fn variables(&self) -> &KnownVariables {
        let model = &self.modelled.model;
        self.variables.get_or_init(|| KnownVariables::new(model))
    }

    pub(super) fn workloads(&self) -> &KnownWorkloads {
        let model = &self.modelled.model;
        self.workloads.get_or_init(|| KnownWorkloads::new(model))
    }

    pub(super) fn orders(&self) -> &Orders<'m> {
        self.orders.get_or_init(|| Orders::new(self.modelled))
    }

    /// Returns the namespace of objects that name none.
    pub(super) fn namespace(&self) -> &Namespace {
        self.linter.namespace
    }

    /// Returns whether a term asks for an object that is assumed.
    fn is_assumed(&self, link: &Link) -> bool {
        let assumptions = self.linter.assumptions;
        let namespace = &self.links.model().member(link.consumer).namespace;
        !assumptions.is_empty()
            && asked_object(&self.links.term(link).value, namespace)
                .is_some_and(|key| assumptions.contains(&Assumption::of(&key)))
    }

    pub(super) fn settings(&self) -> &Settings {
        self.linter.settings
    }

    pub(super) fn assumptions(&self) -> &[Assumption] {
        self.linter.assumptions
    }

    fn finding(&self, link: &Link, (severity, code, message): Said) -> Finding {
        let origin = &self.modelled.origins[&link.consumer];
        let keys = &self.linter.settings.keys;
        let place = Places::new(keys, origin.object, &origin.workload).of(Key::DependsOn);
        Finding {
            severity,
            code,
            message,
            place: Place {
                part: Part::Column(self.links.term(link).at.column),
                ..place
            },
        }
    }

    fn cycle(&self, cycle: &Cycle) -> Option<Finding> {
        let code = match cycle.members.as_slice() {
            [_] => Code::NeverHolds,
            _ => Code::Deadlock,
        };
        let ring = describe(&self.links, cycle);
        let message = format!("none of these ever starts: {ring}");
        Some(self.finding(&cycle.ring.first()?.link, (Severity::Error, code, message)))
    }

    fn too_little(&self, link: &Link) -> Option<Said> {
        let term = &self.links.term(link).value;
        let need = self.links.need(link);
        let Supply::AtMost(most) = self.links.supply(link) else {
            return None;
        };
        let is_produced = !self.links.producers(link).is_empty();
        if term.presence != Presence::Required || !is_produced || most >= need {
            return None;
        }
        let (names, target) = (self.producer_names(link), &term.target);
        let (severity, message) = match target {
            Target::Variable {
                demand: Demand::Equals(_),
                ..
            } => (
                Severity::Error,
                format!("{target} never holds: {names} signals no such value"),
            ),
            _ if most == 0 => (
                Severity::Warning,
                format!("{names} makes no pods as it stands, so {target} never holds"),
            ),
            _ => (
                Severity::Error,
                format!(
                    "{target} never holds: it needs {need}, and {names} makes {most} at the most"
                ),
            ),
        };
        Some((severity, Code::NeverHolds, message))
    }

    /// Reports a `StatefulSet` whose first pod waits for the other ones, which are created once it is
    /// ready.
    fn one_by_one(&self, link: &Link) -> Option<Said> {
        let workload = self.workload(link.consumer);
        let is_parallel = text(workload.object(), "/spec/podManagementPolicy") == Some("Parallel");
        let waits_for_own = self.links.waits_for_early_signals_of_its_own(link);
        if workload.kind() != WorkloadKind::StatefulSet || is_parallel || !waits_for_own {
            return None;
        }
        let need = Supply::AtMost(self.links.need(link));
        if self.links.supply(link) < need || self.links.supply_at_first(link) >= need {
            return None;
        }
        let message = format!(
            "{} never holds: {workload} creates each pod once the one before is ready, and the first \
             waits for the others: set podManagementPolicy: Parallel",
            self.links.term(link).value.target
        );
        Some((Severity::Error, Code::NeverHolds, message))
    }

    /// Warns about a producer that creates no pods before someone lets it.
    fn suspended(&self, link: &Link) -> Option<Said> {
        let term = &self.links.term(link).value;
        let producers = self.links.producers(link);
        let mut members = producers
            .iter()
            .map(|it| self.modelled.origins.get(&it.member));
        let is_suspended = |origin: Option<&Origin<'_>>| {
            origin.is_some_and(|it| {
                it.workload.object().pointer("/spec/suspend") == Some(&true.into())
            })
        };
        if term.presence != Presence::Required || producers.is_empty() || !members.all(is_suspended)
        {
            return None;
        }
        let message = format!(
            "{} is suspended and creates no pods before spec.suspend is false, so {} does not hold",
            self.producer_names(link),
            term.target
        );
        Some((Severity::Warning, Code::NeverHolds, message))
    }

    pub(super) fn producer_names(&self, link: &Link) -> String {
        self.links.producer_names(link).join(" or ")
    }
}
