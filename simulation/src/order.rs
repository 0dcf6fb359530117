//! The order in which an installer applies the objects: its stages, and when each is over.

use std::collections::{BTreeMap, HashMap};

pub use oncue_core::order::{Installer, Operation};
use oncue_core::{
    order::{Stage, is_deleted_on_success},
    workload::WorkloadKind,
};

use crate::inventory::{Inventory, ObjectName};

/// The order in which an installer applies the objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Order {
    /// The installer.
    pub installer: Installer,
    /// The last operation: an upgrade follows an installation.
    pub operation: Operation,
    /// Whether Helm waits until everything is ready before it runs the hooks after it.
    pub waits: bool,
}

/// The stages of one or two operations.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) installer: Option<Installer>,
    pub(crate) stages: Vec<StagePlan>,
    /// The stage of each object that makes no pods; others are there from the beginning.
    objects: HashMap<ObjectName, usize>,
}

/// One stage.
#[derive(Debug)]
pub(crate) struct StagePlan {
    /// What is applied, such as `sync wave 5 (install)`.
    pub(crate) title: String,
    pub(crate) applied: Vec<Applied>,
    pub(crate) until: Until,
    /// The controllers that are deleted once it is over.
    pub(crate) deleted: Vec<usize>,
}

/// A controller that is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applied {
    pub(crate) controller: usize,
    /// The same of the release before.
    pub(crate) replaces: Option<usize>,
}

/// When a stage is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Until {
    /// At once.
    Applied,
    /// Once its Jobs and pods have ended.
    Ended,
    /// Once everything in it is ready or complete.
    Healthy,
    /// Once everything that was ever applied is ready or complete.
    Settled,
}

impl Schedule {
    /// Returns the stages of `order`; without one, everything is applied at once. What is applied a
    /// second time is added to the inventory.
    pub(crate) fn new(inventory: &mut Inventory, order: Option<Order>) -> Self {
        let Some(order) = order else {
            return Self::at_once(inventory.controllers.len());
        };
        let mut schedule = Self {
            installer: Some(order.installer),
            ..Self::default()
        };
        schedule.add(inventory, order, Operation::Install);
        if order.operation == Operation::Upgrade {
            schedule.stages.push(StagePlan {
                title: "the installation".to_owned(),
                applied: Vec::new(),
                until: Until::Settled,
                deleted: Vec::new(),
            });
            schedule.add(inventory, order, Operation::Upgrade);
        }
        inventory.is_ordered_by(order.installer);
        for index in 0..inventory.controllers.len() {
            if !schedule.applies(index) {
                inventory.is_never_applied(index);
            }
        }
        schedule
    }

    fn at_once(controllers: usize) -> Self {
        let applied = (0..controllers).map(|controller| Applied {
            controller,
            replaces: None,
        });
        let stage = StagePlan {
            title: String::new(),
            applied: applied.collect(),
            until: Until::Applied,
            deleted: Vec::new(),
        };
        Self {
            stages: vec![stage],
            ..Self::default()
        }
    }

    /// Adds the stages of one operation.
    fn add(&mut self, inventory: &mut Inventory, order: Order, operation: Operation) {
        let installer = order.installer;
        let mut stages = self.controllers_by_stage(inventory, installer, operation);
        let objects: Vec<_> = inventory
            .objects()
            .filter_map(|(name, object)| Some((name.clone(), installer.stage(object, operation)?)))
            .collect();
        for (_, stage) in &objects {
            stages.entry(stage.clone()).or_default();
        }
        let first = self.stages.len();
        let order_of: Vec<_> = stages.keys().cloned().collect();
        for (name, stage) in objects {
            if let Ok(position) = order_of.binary_search(&stage) {
                self.objects.entry(name).or_insert(first + position);
            }
        }
        for (position, (stage, applied)) in stages.into_iter().enumerate() {
            let next = order_of.get(position + 1);
            self.stages.push(StagePlan {
                title: format!("{stage} ({operation})"),
                applied,
                until: until(&stage, order),
                deleted: Vec::new(),
            });
            if deletes_hooks(installer, &stage, next) {
                self.delete_hooks(inventory, first);
            }
        }
    }

    /// Returns the controllers that an operation applies, by its stages. What was applied before is
    /// applied again as a copy, which is added to the end of the inventory.
    fn controllers_by_stage(
        &self,
        inventory: &mut Inventory,
        installer: Installer,
        operation: Operation,
    ) -> BTreeMap<Stage, Vec<Applied>> {
        let mut stages: BTreeMap<Stage, Vec<Applied>> = BTreeMap::new();
        for index in 0..inventory.controllers.len() {
            let controller = &inventory.controllers[index];
            let Some(stage) = installer.stage(&controller.source, operation) else {
                continue;
            };
            let is_there = self.applies(index);
            if is_there && !stage.is_of_hooks() && !controller.rolls() {
                continue;
            }
            let (controller, replaces) = if is_there {
                (inventory.apply_again(index), Some(index))
            } else {
                (index, None)
            };
            let applied = Applied {
                controller,
                replaces,
            };
            stages.entry(stage).or_default().push(applied);
        }
        stages
    }

    /// Lets the last stage delete the hooks of the stages from `first` on that are deleted once they
    /// have succeeded.
    fn delete_hooks(&mut self, inventory: &Inventory, first: usize) {
        let stages = self.stages[first..].iter();
        let known: Vec<_> = stages.clone().flat_map(|it| it.deleted.clone()).collect();
        let hooks = stages
            .flat_map(|stage| &stage.applied)
            .map(|it| it.controller);
        let deleted: Vec<_> = hooks
            .filter(|index| is_deleted_on_success(&inventory.controllers[*index].source))
            .filter(|index| !known.contains(index))
            .collect();
        if let Some(last) = self.stages.last_mut() {
            last.deleted = deleted;
        }
    }

    /// Returns whether a controller is ever applied.
    pub(crate) fn applies(&self, index: usize) -> bool {
        self.stage_of(index).is_some()
    }

    /// Returns the stage that applies a controller.
    pub(crate) fn stage_of(&self, index: usize) -> Option<usize> {
        let mut stages = self.stages.iter();
        stages.position(|stage| stage.applied.iter().any(|it| it.controller == index))
    }

    /// Returns the stage that applies an object without pods.
    pub(crate) fn stage_of_object(&self, name: &ObjectName) -> usize {
        match self.installer {
            None => 0,
            Some(_) => self.objects.get(name).copied().unwrap_or(usize::MAX),
        }
    }
}

/// Returns whether the hooks of an event, or all stages, end with this stage.
fn deletes_hooks(installer: Installer, stage: &Stage, next: Option<&Stage>) -> bool {
    let is_of_event = installer == Installer::Helm && stage.is_of_hooks();
    next.is_none_or(|next| is_of_event && !same_event(next, stage))
}

/// Returns whether two stages are hooks of one event of Helm.
fn same_event(one: &Stage, other: &Stage) -> bool {
    use oncue_core::order::helm::Step::{After, Before};
    matches!(
        (one, other),
        (Stage::Helm(Before(..)), Stage::Helm(Before(..)))
            | (Stage::Helm(After(..)), Stage::Helm(After(..)))
    )
}

fn until(stage: &Stage, order: Order) -> Until {
    match order.installer {
        Installer::Argo => Until::Healthy,
        Installer::Helm if stage.is_of_hooks() => Until::Ended,
        Installer::Helm if order.waits => Until::Healthy,
        Installer::Helm => Until::Applied,
    }
}

/// Returns whether an upgrade replaces the pods of a workload of this kind.
pub(crate) fn rolls(kind: WorkloadKind) -> bool {
    match kind {
        WorkloadKind::CronJob | WorkloadKind::Job | WorkloadKind::Pod => false,
        WorkloadKind::Custom
        | WorkloadKind::DaemonSet
        | WorkloadKind::Deployment
        | WorkloadKind::ReplicaSet
        | WorkloadKind::ReplicationController
        | WorkloadKind::StatefulSet => true,
    }
}
