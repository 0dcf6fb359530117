//! Removes gates, with patches that test what they remove.

use std::sync::Arc;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::sleep;

use super::super::{
    Context,
    metrics::Metrics,
    pods::pods,
    writes::{FIELD_MANAGER, Unwritten, Writes, Written},
};
use crate::{
    cluster::{ApiError, Verb, Write, WriteError, call, object_json},
    gates::GatedPod,
    language::{Keys, Owner, annotation::Key},
    outage::{Outage, Pause},
};

/// Removes gates, a limited number at once.
#[derive(Clone)]
pub(super) struct Opener {
    client: Client,
    pods: ApiResource,
    keys: Keys,
    metrics: Metrics,
    writes: Writes,
    outage: Arc<Mutex<Outage>>,
}

/// One gate to remove.
pub(super) struct Opening {
    opener: Opener,
    pod: Owner,
    /// The index of the gate as it was observed; `None` if it has to be read.
    index: Option<usize>,
    pause: Pause,
}

impl Opener {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            pods: pods(),
            keys: context.keys.clone(),
            metrics: context.metrics.clone(),
            writes: context.writes.clone(),
            outage: Arc::new(Mutex::new(Outage::of("removal of a scheduling gate"))),
        }
    }

    /// Returns the gate of a pod that was observed at this index.
    pub(super) fn opening(&self, pod: Owner, index: usize) -> Opening {
        Opening {
            opener: self.clone(),
            pod,
            index: Some(index),
            pause: Pause::default(),
        }
    }

    /// Returns the present index of the gate; `None` if nothing is left to remove.
    async fn find(&self, pod: &Owner) -> Result<Option<usize>, ApiError> {
        let found = call(self.api(pod).get_opt(&pod.name)).await?;
        let read = found.map(|it| GatedPod::read(&object_json(it), &self.keys));
        let same = read.and_then(Result::ok).filter(|it| it.id == *pod);
        Ok(same.and_then(|it| it.gate).map(|gate| gate.index))
    }

    /// Removes the gate if it is at this index of this very pod.
    async fn remove(&self, pod: &Owner, index: usize) -> Result<(), WriteError> {
        let gate = format!("/spec/schedulingGates/{index}");
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": pod.uid},
            {"op": "test", "path": format!("{gate}/name"),
             "value": self.keys.prefixed(Key::DependsOn)},
            {"op": "remove", "path": gate},
        ]);
        let (pods, name) = (self.api(pod).resource_url().to_owned(), &pod.name);
        let write = Write {
            verb: Verb::JsonPatch,
            path: &format!("{pods}/{name}"),
            field_manager: FIELD_MANAGER,
            body: &patch,
        };
        write.send(&self.client).await
    }

    fn api(&self, pod: &Owner) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), pod.namespace.as_str(), &self.pods)
    }
}

impl Opening {
    /// Tries once. Returns whether nothing is left to remove; otherwise waits until the next try is
    /// due.
    pub(super) async fn attempt(&mut self) -> bool {
        let observed = self.index.take();
        let what = (Written::Gate, &self.pod.namespace);
        let removed = self.opener.writes.make(what, self.remove(observed));
        let WriteError { error, retry_after } = match removed.await {
            Ok(()) => {
                self.opener.outage.lock().succeeded();
                return true;
            }
            Err(Unwritten::NotLeader) => return false,
            Err(Unwritten::Failed(failure)) => failure,
        };
        let is_stale = match &error {
            ApiError::Conflict(_) | ApiError::NotFound(_) => true,
            // A test of the patch fails if what was observed is not true any more.
            ApiError::Refused(status) => status.code == 422 && observed.is_some(),
            ApiError::Forbidden(_) | ApiError::TimedOut(_) | ApiError::Unanswered(_) => false,
        };
        if !is_stale {
            let mut outage = self.opener.outage.lock();
            outage.failed(error.label(), &error.to_string());
        }
        let pause = self.pause.after_failure();
        tokio::join!(pause, sleep(retry_after.unwrap_or_default()));
        false
    }

    async fn remove(&self, observed: Option<usize>) -> Result<(), WriteError> {
        let Self { opener, pod, .. } = self;
        let index = match observed {
            Some(index) => Some(index),
            None => opener.find(pod).await?,
        };
        if let Some(index) = index {
            opener.remove(pod, index).await?;
            opener.metrics.gate_removed();
        }
        Ok(())
    }
}
