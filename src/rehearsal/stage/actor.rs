//! A pod on the stage.

use std::{sync::Arc, time::Duration};

use oncue_language::{AnnotationError, Namespace, Timeout};
use serde_json::Value;

use super::{
    asks::Asks,
    script::{Scenario, Step, WhatIf},
};
use crate::{
    life::Owner,
    rehearsal::{
        cast::{Attempt, AttemptState, Controller, uid},
        quiescence::{Overdue, Wait},
    },
    workload::{RestartPolicy, Workload},
};

/// Which pod of a rehearsal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct PodId(pub(super) usize);

/// A pod, from its creation to its end.
#[derive(Debug)]
pub(crate) struct Actor {
    /// Where it lives.
    pub(crate) namespace: Namespace,
    /// Its name.
    pub(crate) name: String,
    /// Its uid.
    pub(crate) uid: String,
    /// The object, as it is known by now.
    pub(crate) object: Arc<Value>,
    /// What it asks for.
    pub(crate) asks: Asks,
    /// How far it has come.
    pub(crate) phase: Phase,
    /// Whether it is ready.
    pub(crate) is_ready: bool,
    /// Why its wait failed, or why it was denied.
    pub(crate) failure: Option<String>,
    /// When what happened.
    pub(crate) times: Times,
    /// The position of its controller.
    pub(super) controller: usize,
    pub(super) slot: u32,

    pub(super) what_if: WhatIf,
    pub(super) script: Vec<Step>,
    pub(super) position: usize,
    pub(super) restart_policy: RestartPolicy,
    /// How often its own containers were started again.
    pub(super) restarts: u32,
    pub(super) overdue: Overdue,
    /// When its own containers last started.
    pub(super) run_began: Option<Duration>,
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Its admission is under way.
    Admission,
    /// Its own containers fail again and again, as they were told to.
    CrashLooping,
    /// Admission refused it.
    Denied,
    /// It has failed.
    Failed(Cause),
    /// `--hold` keeps its own containers from starting.
    Held,
    /// It is on its way, or runs.
    Playing,
    /// It has succeeded.
    Succeeded,
}

/// Why a pod failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// It was told to.
    Rehearsed,
    /// Its wait failed, or its injected container is broken.
    Wait,
}

/// When what happened to a pod, since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// It was created.
    pub(crate) created: Duration,
    /// Its wait began.
    pub(crate) waiting: Option<Duration>,
    /// Its wait was over.
    pub(crate) waited: Option<Duration>,
    /// Its own containers had started.
    pub(crate) started: Option<Duration>,
    /// It was ready for the first time.
    pub(crate) ready: Option<Duration>,
    /// It ended.
    pub(crate) ended: Option<Duration>,
}

/// What a pod is created from.
pub(super) struct Origin<'a> {
    pub(super) controller: &'a Controller,
    /// The position of the controller.
    pub(super) index: usize,
    pub(super) slot: u32,
    /// How many pods there were of the same slot.
    pub(super) earlier: usize,
}

impl Actor {
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
            uid: uid(&format!("Pod/{namespace}/{}", pod.name)),
            namespace,
            name: pod.name,
            object: Arc::new(pod.object),
            asks: Asks::default(),
            phase: Phase::Admission,
            is_ready: false,
            failure: None,
            times: Times {
                created: now,
                ..Times::default()
            },
            controller: index,
            slot,
            what_if: WhatIf::AsWritten,
            script: Vec::new(),
            position: 0,
            restart_policy: RestartPolicy::Always,
            restarts: 0,
            overdue: Overdue::No,
            run_began: None,
        }
    }

    /// Takes over the admitted object, which has a name and a uid from now on.
    pub(super) fn admit(&mut self, mut object: Value) -> Result<(), AnnotationError> {
        object["metadata"]["name"] = self.name.as_str().into();
        object["metadata"]["namespace"] = self.namespace.as_str().into();
        object["metadata"]["uid"] = self.uid.as_str().into();
        self.asks = Asks::of(&object, &self.namespace)?;
        self.restart_policy = Workload::new(&object, String::new())
            .map_or(RestartPolicy::Always, |pod| pod.restart_policy());
        let scenario = Scenario {
            spec: &object["spec"],
            asks: &self.asks.annotations,
            what_if: self.what_if,
            restart_policy: self.restart_policy,
        };
        self.script = scenario.script();
        self.object = Arc::new(object);
        self.phase = Phase::Playing;
        Ok(())
    }

    /// Takes over the node, which may have a place in names.
    pub(super) fn schedule(&mut self, node: &str) -> Result<(), AnnotationError> {
        let object = Arc::make_mut(&mut self.object);
        object["spec"]["nodeName"] = node.into();
        self.asks = Asks::of(object, &self.namespace)?;
        Ok(())
    }

    /// Returns the step it is at; none once it has come to rest.
    pub(super) fn step(&self) -> Option<&Step> {
        match self.phase {
            Phase::Playing => self.script.get(self.position),
            _ => None,
        }
    }

    /// Returns when its step is due, where that is a matter of time.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.step()? {
            Step::End { after, .. } | Step::Ready { after } => Some(self.run_began? + *after),
            _ => None,
        }
    }

    /// Returns its wait, while it waits.
    pub(super) fn wait(&self) -> Option<Wait<'_>> {
        let is_waiting = matches!(self.step()?, Step::Gate | Step::Wait { .. });
        is_waiting.then(|| Wait {
            terms: &self.asks.terms,
            timeout: self.asks.annotations.timeout.map(Timeout::duration),
            policy: self.asks.annotations.timeout_policy,
            since: self.times.waiting.unwrap_or(self.times.created),
            overdue: self.overdue,
        })
    }

    /// Returns whether something is under way that does not wait for others.
    pub(super) fn is_busy(&self) -> bool {
        match self.phase {
            Phase::Admission => true,
            _ => matches!(
                self.step(),
                Some(Step::Start(_) | Step::Ready { .. } | Step::End { .. })
            ),
        }
    }

    /// Goes back to where its own containers start.
    pub(super) fn rewind(&mut self) {
        let is_own = |step: &Step| matches!(step, Step::Start(start) if !start.sidecar);
        self.position = self.script.iter().position(is_own).unwrap_or(self.position);
        self.run_began = None;
        self.restarts += 1;
    }

    /// Returns how its controller counts it.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt {
            slot: self.slot,
            restarts: self.restarts,
            state: match self.phase {
                Phase::Denied => AttemptState::Denied,
                Phase::Failed(_) => AttemptState::Failed,
                Phase::Succeeded => AttemptState::Succeeded,
                Phase::Admission | Phase::CrashLooping | Phase::Held | Phase::Playing => {
                    AttemptState::Active {
                        ready: self.is_ready,
                    }
                }
            },
        }
    }

    /// Returns it as the owner of what it signals.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            namespace: self.namespace.clone(),
            name: self.name.as_str().into(),
            uid: self.uid.as_str().into(),
        }
    }

    /// Returns the value of one of its labels.
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.object["metadata"]["labels"][key].as_str()
    }
}
