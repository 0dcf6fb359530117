//! Whether single pods exist: what a watch does not show may have lost its label only.

use std::{
    collections::{BTreeSet, VecDeque},
    pin::Pin,
};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use serde_json::Value;
use tokio::{task::JoinSet, time::Sleep};

use super::pods::pods;
use crate::{
    cluster::{ApiError, call, object_json},
    life::Owner,
    outage::{Outage, Pause},
};

/// What the API server says of a pod's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Confirmed {
    /// The pod that was asked for.
    pub(super) id: Owner,
    /// The pod of that name, which may be another one.
    pub(super) found: Option<Value>,
}

type Answer = (Owner, Result<Option<Value>, ApiError>);

/// Asks for pods by name, a few at a time, until the API server answers.
pub(super) struct Confirmations {
    client: Client,
    resource: ApiResource,
    /// All that wait for an answer.
    open: BTreeSet<Owner>,
    /// Those of them that are to be asked for.
    waiting: VecDeque<Owner>,
    asking: JoinSet<Answer>,
    outage: Outage,
    pause: Pause,
    /// The end of the pause after a failure, in which nobody is asked for.
    resume: Option<Pin<Box<Sleep>>>,
}

impl Confirmations {
    pub(super) fn of(client: Client) -> Self {
        Self {
            client,
            resource: pods(),
            open: BTreeSet::new(),
            waiting: VecDeque::new(),
            asking: JoinSet::new(),
            outage: Outage::of("confirmation of pods"),
            pause: Pause::default(),
            resume: None,
        }
    }

    /// Asks for more pods; those that still wait for an answer are asked for once.
    pub(super) fn ask(&mut self, pods: impl IntoIterator<Item = Owner>) {
        for pod in pods {
            if self.open.insert(pod.clone()) {
                self.waiting.push_back(pod);
            }
        }
    }

    /// Waits for the next answer. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Confirmed {
        loop {
            if self.resume.is_none() {
                self.begin_some();
            }
            tokio::select! {
                Some(answered) = self.asking.join_next() => match answered {
                    Ok(answer) => if let Some(confirmed) = self.take(answer) {
                        return confirmed;
                    },
                    Err(error) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    Err(_) => {}
                },
                () = ended(&mut self.resume) => self.resume = None,
            }
        }
    }

    fn take(&mut self, (id, answer): Answer) -> Option<Confirmed> {
        if let Some(found) = self.outage.note(answer) {
            self.pause = Pause::default();
            self.open.remove(&id);
            return Some(Confirmed { id, found });
        }
        // To the end of the queue: a pod that is always refused delays no other.
        self.waiting.push_back(id);
        if self.resume.is_none() {
            self.resume = Some(Box::pin(self.pause.after_failure()));
        }
        None
    }

    fn begin_some(&mut self) {
        while self.asking.len() < AT_ONCE
            && let Some(id) = self.waiting.pop_front()
        {
            let (client, namespace) = (self.client.clone(), id.namespace.as_str());
            let api = Api::<DynamicObject>::namespaced_with(client, namespace, &self.resource);
            self.asking.spawn(confirm(api, id));
        }
    }
}

/// Waits for the end of a pause; for ever without one.
async fn ended(pause: &mut Option<Pin<Box<Sleep>>>) {
    match pause {
        Some(pause) => pause.await,
        None => std::future::pending().await,
    }
}

/// A text that is no pod's name is asked for by nobody: the API server would take it for a path.
async fn confirm(api: Api<DynamicObject>, id: Owner) -> Answer {
    let is_path = id.name.contains(['/', '?', '#', '%']) || id.name.starts_with('.');
    let found = if is_path {
        Ok(None)
    } else {
        call(api.get_opt(&id.name))
            .await
            .map(|found| found.map(object_json))
    };
    (id, found)
}

const AT_ONCE: usize = 16;
