//! Whether single pods exist: what a watch does not show may have lost its label only.

use std::collections::VecDeque;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{observations::json, pods::pods};
use crate::{cluster::call, life::Owner, outage::persist};

/// What the API server says of a pod's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Confirmed {
    /// The pod that was asked for.
    pub(super) id: Owner,
    /// The pod of that name, which may be another one.
    pub(super) found: Option<Value>,
}

/// Asks for pods by name, a few at a time, until the API server answers.
pub(super) struct Confirmations {
    client: Client,
    resource: ApiResource,
    waiting: VecDeque<Owner>,
    asking: JoinSet<Confirmed>,
}

impl Confirmations {
    pub(super) fn of(client: Client) -> Self {
        Self {
            client,
            resource: pods(),
            waiting: VecDeque::new(),
            asking: JoinSet::new(),
        }
    }

    /// Asks for more pods.
    pub(super) fn ask(&mut self, pods: impl IntoIterator<Item = Owner>) {
        self.waiting.extend(pods);
        self.begin_some();
    }

    /// Waits for the next answer. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Confirmed {
        loop {
            match self.asking.join_next().await {
                Some(Ok(confirmed)) => {
                    self.begin_some();
                    return confirmed;
                }
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic());
                }
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
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

async fn confirm(api: Api<DynamicObject>, id: Owner) -> Confirmed {
    let look = || call(api.get_opt(&id.name));
    let found = persist("confirmation of a pod", look).await;
    Confirmed {
        found: found.map(json),
        id,
    }
}

const AT_ONCE: usize = 16;
