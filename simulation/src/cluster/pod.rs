//! A pod of the cluster.

use std::{sync::Arc, time::Duration};

use oncue_core::{
    injection::managed_label,
    life::Owner,
    workload::{RestartPolicy, Workload},
};
use oncue_language::{
    AnnotationError, Condition, Grace, Keys, Namespace, Presence, TimeoutRules, expiry::Attempt,
};
use serde_json::Value;

use super::{
    container::{Container, Role, time},
    declaration::Declaration,
    held_gate::{HeldGate, Unusable, foreign_gates},
    restarts::Restarts,
    steps::{Gate, Step, StepInput, WhatIf},
};
use crate::{
    controller::Controller,
    job::policy::OnFailure,
    names::uid,
    pending::PendingWait,
    tally::{CountedPod, CountedState},
    virtual_time::timestamp,
};

/// Identifies a pod of a simulation.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PodId(pub(crate) usize);

impl PodId {
    /// Returns a number that differs from pod to pod.
    pub(crate) fn seed(self) -> u64 {
        self.0 as u64
    }
}

/// A pod, from its creation to its end.
#[derive(Debug)]
pub struct Pod {
    pub(crate) namespace: Namespace,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The object, as the API server has it by now.
    pub(crate) object: Arc<Value>,
    pub(crate) declaration: Declaration,
    /// How far it has come.
    pub(crate) phase: Phase,
    pub(crate) is_ready: bool,
    /// Whether it has been ready for as long as its controller asks for.
    pub(super) is_available: bool,
    /// How long its controller asks for that.
    pub(super) min_ready: Duration,
    /// When the sidecar started that is starting.
    pub(super) sidecar_began: Option<Duration>,
    /// Why its wait failed, or why it was denied.
    pub(crate) failure: Option<String>,
    pub(crate) times: Times,
    /// The position of its controller.
    pub(super) controller: usize,
    pub(super) slot: u32,
    /// The positions of the Services that select it.
    pub(super) services: Vec<usize>,
    pub(super) what_if: WhatIf,
    pub(super) steps: Vec<Step>,
    pub(super) position: usize,
    pub(super) restart_policy: RestartPolicy,
    /// What happens when its own containers end.
    pub(super) own_restarts: Restarts,
    /// How often its own containers were started again.
    pub(super) restarts: u32,
    pub(super) wait_attempt: Attempt,
    /// When its own containers last started.
    pub(super) run_began: Option<Duration>,
    /// When the API server has created it.
    exists_since: Duration,
    /// Whether oncue's controller watches it.
    pub(super) is_managed: bool,
    /// The gate of oncue that holds it.
    pub(super) gate: Option<HeldGate>,
    pub(super) containers: Vec<Container>,
    /// What its Job does about its failure.
    pub(super) on_failure: OnFailure,
    /// How often something has changed that its object shows, besides its phase.
    changes: u32,
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Its admission is under way.
    Admission,
    /// Its own containers fail again and again, as they were told to.
    CrashLooping,
    /// It was deleted because its Job has ended.
    Deleted,
    /// Admission rejected it.
    Denied,
    /// It has failed.
    Failed(Cause),
    /// `--hold` keeps its own containers from starting, or a gate of others keeps it from a node.
    Held,
    /// It goes through its steps, or has gone through all of them and runs.
    Running,
    /// It has succeeded.
    Succeeded,
}

/// Why a pod failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// It was told to.
    Told,
    /// Its wait failed, or its injected container is broken.
    Wait,
}

/// When things happened to a pod, since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) created: Duration,
    /// A node was found for it.
    pub(crate) scheduled: Option<Duration>,
    /// Its wait began.
    pub(crate) waiting: Option<Duration>,
    /// Its wait was over.
    pub(crate) waited: Option<Duration>,
    /// Its own containers had started.
    pub(crate) started: Option<Duration>,
    /// It was ready for the first time.
    pub(crate) ready: Option<Duration>,
    pub(crate) ended: Option<Duration>,
    /// It was deleted after its end.
    pub(crate) removed: Option<Duration>,
}

/// What a pod is created from.
pub(super) struct Origin<'a> {
    pub(super) controller: &'a Controller,
    /// The position of the controller.
    pub(super) index: usize,
    pub(super) slot: u32,
    /// The number of earlier pods of the same slot.
    pub(super) earlier: usize,
}

/// The part of a pod's state that the cluster keeps in indexes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Summary {
    pub(super) counted: CountedPod,
    /// Changes with everything that its object shows.
    pub(super) shown: (Phase, bool, u32),
    /// When its step is due, if that is a matter of time.
    pub(super) due: Option<Duration>,
    pub(super) is_ready: bool,
    pub(super) is_waiting: bool,
    /// Whether something is under way that does not depend on other pods.
    pub(super) is_busy: bool,
}

impl Pod {
    /// Returns the pod as its controller creates it at `now`.
    pub(super) fn new(origin: &Origin<'_>, now: Duration) -> Self {
        let Origin {
            controller,
            index,
            slot,
            earlier,
        } = *origin;
        let pod = controller.pod(slot, earlier);
        let namespace = controller.namespace.clone();
        Self {
            uid: match controller.run {
                0 => uid(&format!("Pod/{namespace}/{}", pod.name)),
                run => uid(&format!("Pod/{namespace}/{}/{run}", pod.name)),
            },
            namespace,
            name: pod.name,
            object: Arc::new(pod.object),
            declaration: Declaration::default(),
            phase: Phase::Admission,
            is_ready: false,
            is_available: false,
            min_ready: controller.min_ready(),
            sidecar_began: None,
            failure: None,
            times: Times {
                created: now,
                ..Times::default()
            },
            controller: index,
            slot,
            services: Vec::new(),
            what_if: WhatIf::AsWritten,
            steps: Vec::new(),
            position: 0,
            restart_policy: RestartPolicy::Always,
            own_restarts: Restarts::new(&Value::Null, RestartPolicy::Always),
            restarts: 0,
            wait_attempt: Attempt::First,
            run_began: None,
            exists_since: now,
            is_managed: false,
            gate: None,
            containers: Vec::new(),
            on_failure: OnFailure::Count,
            changes: 0,
        }
    }

    /// Returns its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its uid.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Returns the object, as it is known by now.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Returns what the server judges of what it depends on.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.declaration.conditions.iter().flatten()
    }

    /// Takes over the admitted object, which is created at `now`.
    pub(super) fn admit(&mut self, mut object: Value, now: Duration) -> Result<(), Unusable> {
        let metadata = &mut object["metadata"];
        metadata["name"] = self.name.as_str().into();
        metadata["namespace"] = self.namespace.as_str().into();
        metadata["uid"] = self.uid.as_str().into();
        metadata["creationTimestamp"] = time(now).into();
        self.exists_since = now;
        let keys = Keys::default();
        self.is_managed = metadata["labels"][managed_label(&keys)] == "true";
        self.declaration = Declaration::of(&object, &self.namespace)?;
        self.gate = HeldGate::read(&object, &keys)?;
        self.restart_policy = Workload::new(&object, String::new())
            .map_or(RestartPolicy::Always, |pod| pod.restart_policy());
        self.own_restarts = Restarts::new(&object["spec"], self.restart_policy);
        let input = StepInput {
            spec: &object["spec"],
            annotations: &self.declaration.annotations,
            what_if: self.what_if,
            restart_policy: self.restart_policy,
            gate: match self.gate {
                Some(_) => Gate::Closed,
                None => Gate::Open,
            },
            foreign_gates: foreign_gates(&object, &keys),
            min_ready: self.min_ready,
        };
        self.steps = input.steps();
        self.containers = Container::all(&object["spec"]);
        self.object = Arc::new(object);
        self.phase = Phase::Running;
        Ok(())
    }

    /// Takes over the node, which names may contain.
    pub(super) fn schedule(&mut self, node: &str, now: Duration) -> Result<(), AnnotationError> {
        let object = Arc::make_mut(&mut self.object);
        object["spec"]["nodeName"] = node.into();
        self.declaration = Declaration::of(object, &self.namespace)?;
        self.times.scheduled = Some(now);
        self.changes += 1;
        Ok(())
    }

    /// Removes the gate of oncue.
    pub(super) fn open_gate(&mut self) {
        let Some(HeldGate { index, .. }) = self.gate.take() else {
            return;
        };
        let object = Arc::make_mut(&mut self.object);
        if let Some(gates) = object["spec"]["schedulingGates"].as_array_mut()
            && index < gates.len()
        {
            gates.remove(index);
        }
        self.changes += 1;
    }

    /// Changes the containers that `is_it` chooses.
    pub(super) fn change_containers(
        &mut self,
        is_it: impl Fn(&Container) -> bool,
        change: impl Fn(&mut Container),
    ) {
        let containers = self.containers.iter_mut();
        containers.filter(|it| is_it(it)).for_each(change);
        self.changes += 1;
    }

    /// Changes the container of this name.
    pub(super) fn change_container(&mut self, name: &str, change: impl Fn(&mut Container)) {
        self.change_containers(|container| container.name == name, change);
    }

    /// Returns it as the owner of what it signals.
    pub(super) fn owner(&self) -> Owner {
        Owner::pod(
            self.namespace.clone(),
            self.name.as_str(),
            self.uid.as_str(),
        )
    }

    /// Returns which failures count for its wait at `now`.
    pub(crate) fn grace(&self, now: Duration) -> Grace {
        let is_failure = |it: &Condition| it.presence == Presence::Failure;
        if self.conditions().any(is_failure) {
            Grace::of_exact(timestamp(self.exists_since), timestamp(now))
        } else {
            Grace::Over
        }
    }

    /// Returns whether the API server has it.
    pub(crate) fn exists(&self) -> bool {
        let is_there = !matches!(
            self.phase,
            Phase::Admission | Phase::Deleted | Phase::Denied
        );
        is_there && !self.is_removed()
    }

    /// Returns whether it was deleted after its end.
    pub(super) fn is_removed(&self) -> bool {
        self.times.removed.is_some()
    }

    /// It is deleted at `now`, after its end.
    pub(super) fn remove(&mut self, now: Duration) {
        self.times.removed = Some(now);
        self.changes += 1;
    }

    /// Returns whether it has an address: from the start of its sandbox to its end.
    pub(super) fn has_address(&self) -> bool {
        let has_ended = matches!(self.phase, Phase::Failed(_) | Phase::Succeeded);
        self.exists() && self.times.scheduled.is_some() && !has_ended
    }

    /// Writes its status into its object.
    pub(super) fn write_status(&mut self) {
        let status = self.status();
        Arc::make_mut(&mut self.object)["status"] = status;
    }

    /// Returns its present step; `None` once it has come to rest.
    pub(super) fn step(&self) -> Option<&Step> {
        match self.phase {
            Phase::Running => self.steps.get(self.position),
            _ => None,
        }
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            counted: self.counted(),
            shown: (self.phase, self.is_ready, self.changes),
            due: self.due(),
            is_ready: self.is_ready,
            is_waiting: matches!(self.step(), Some(Step::Gate | Step::Wait { .. })),
            is_busy: self.is_busy(),
        }
    }

    fn due(&self) -> Option<Duration> {
        match self.step()? {
            Step::Available { after } | Step::End { after, .. } | Step::Ready { after } => {
                Some(self.run_began? + *after)
            }
            Step::Started { after } => Some(self.sidecar_began? + *after),
            _ => None,
        }
    }

    /// Returns the wait of its client, while it waits.
    pub(super) fn wait(&self) -> Option<PendingWait<'_>> {
        let is_waiting = matches!(self.step()?, Step::Wait { .. });
        let annotations = &self.declaration.annotations;
        is_waiting.then(|| PendingWait {
            terms: &self.declaration.terms,
            rules: TimeoutRules {
                whole: annotations.timeout,
                policy: annotations.timeout_policy,
                attempt: self.wait_attempt,
            },
            since: self.times.waiting.unwrap_or(self.times.created),
        })
    }

    fn is_busy(&self) -> bool {
        match self.phase {
            Phase::Admission => true,
            _ => matches!(
                self.step(),
                Some(
                    Step::Available { .. }
                        | Step::End { .. }
                        | Step::Mark { .. }
                        | Step::Ready { .. }
                        | Step::Start(_)
                        | Step::Started { .. }
                )
            ),
        }
    }

    /// Returns whether a step before the present one started a sidecar.
    pub(super) fn has_sidecar(&self) -> bool {
        let is_sidecar =
            |step: &Step| matches!(step, Step::Start(start) if start.role == Role::Sidecar);
        self.steps[..self.position].iter().any(is_sidecar)
    }

    /// Goes back to the step that starts its own containers.
    pub(super) fn rewind(&mut self) {
        let is_own = |step: &Step| matches!(step, Step::Start(start) if start.role == Role::Main);
        self.position = self.steps.iter().position(is_own).unwrap_or(self.position);
        self.run_began = None;
        self.restarts += 1;
    }

    fn counted(&self) -> CountedPod {
        CountedPod {
            slot: self.slot,
            // The Job controller counts those of pods that may restart by their own policy.
            restarts: match self.restart_policy {
                RestartPolicy::Never => 0,
                RestartPolicy::Always | RestartPolicy::OnFailure => self.restarts,
            },
            state: match self.phase {
                Phase::Denied => CountedState::Denied,
                Phase::Failed(_) if self.on_failure == OnFailure::Ignore => CountedState::Ignored,
                Phase::Failed(_) if self.on_failure == OnFailure::FailIndex => {
                    CountedState::FailedForGood
                }
                Phase::Deleted | Phase::Failed(_) => CountedState::Failed,
                Phase::Succeeded => CountedState::Succeeded,
                Phase::Admission => CountedState::Admission,
                Phase::Running if self.is_ready && self.is_available => CountedState::Available,
                Phase::CrashLooping | Phase::Held | Phase::Running => CountedState::Active {
                    ready: self.is_ready,
                },
            },
        }
    }
}
