//! The objects of one kind, as a watch of the API server shows them.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, ObjectMeta},
    core::{DynamicResourceScope, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event, watcher},
    },
};
use serde_json::Value;
use tracing::warn;

use super::failure::Failure;
use crate::outage::Outage;

/// What a watch shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Observation {
    /// The watch goes on after a pause.
    Failed(Failure),
    /// An object is gone, or is not selected any more; this is how it was last.
    Gone(Value),
    /// All objects that exist were shown.
    Listed,
    /// A new list of all objects begins.
    Listing,
    /// An object exists, as part of a list or because it has changed.
    Object(Value),
}

/// Which objects of a kind are watched, and how much of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// `None`: in all namespaces, or in none if they live in none.
    pub(super) namespace: Option<String>,
    pub(super) labels: Option<String>,
    pub(super) fields: Option<String>,
    /// Whether their metadata suffice.
    pub(super) metadata_only: bool,
}

type Events = Pin<Box<dyn Stream<Item = watcher::Result<Event<DynamicObject>>> + Send>>;

/// A watch that goes on for ever: after a failure it pauses, and lists again if it has to.
pub(super) struct Observations {
    events: Events,
    outage: Outage,
}

impl Observations {
    pub(super) fn of(client: Client, resource: &ApiResource, watched: Watched) -> Self {
        let what = format!("watch of {}", resource.plural);
        let config = Config {
            label_selector: watched.labels,
            field_selector: watched.fields,
            ..Config::default()
        };
        let namespace = watched.namespace.as_deref();
        let events = if watched.metadata_only {
            let api = api::<PartialObjectMeta<DynamicObject>>(client, resource, namespace);
            let events = watcher(api, config).default_backoff();
            events.map(|event| event.map(metadata)).boxed()
        } else {
            let api = api::<DynamicObject>(client, resource, namespace);
            watcher(api, config).default_backoff().boxed()
        };
        Self {
            events,
            outage: Outage::of(what),
        }
    }

    /// Waits for the next observation. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Observation {
        match self.events.next().await {
            Some(Ok(event)) => {
                // It says that a list begins before it asks for one.
                if !matches!(event, Event::Init) {
                    self.outage.note(Ok::<_, watcher::Error>(()));
                }
                observation(event)
            }
            Some(Err(error)) => {
                let failure = Failure::of(&error);
                self.outage.note(Err::<(), _>(error));
                Observation::Failed(failure)
            }
            None => std::future::pending().await,
        }
    }
}

fn api<K>(client: Client, resource: &ApiResource, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, resource),
        None => Api::all_with(client, resource),
    }
}

fn observation(event: Event<DynamicObject>) -> Observation {
    match event {
        Event::Apply(object) | Event::InitApply(object) => Observation::Object(json(object)),
        Event::Delete(object) => Observation::Gone(json(object)),
        Event::Init => Observation::Listing,
        Event::InitDone => Observation::Listed,
    }
}

fn metadata(event: Event<PartialObjectMeta<DynamicObject>>) -> Event<DynamicObject> {
    let whole = |object: PartialObjectMeta<DynamicObject>| DynamicObject {
        types: None,
        metadata: object.meta().clone(),
        data: Value::Object(serde_json::Map::new()),
    };
    match event {
        Event::Apply(object) => Event::Apply(whole(object)),
        Event::Delete(object) => Event::Delete(whole(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(whole(object)),
        Event::InitDone => Event::InitDone,
    }
}

/// Returns an object as the API server wrote it, without the record of who wrote which field.
pub(super) fn json(object: DynamicObject) -> Value {
    let DynamicObject {
        metadata, mut data, ..
    } = object;
    let metadata = ObjectMeta {
        managed_fields: None,
        ..metadata
    };
    match serde_json::to_value(metadata) {
        Ok(metadata) => data["metadata"] = metadata,
        Err(error) => warn!(%error, "metadata cannot be written as JSON"),
    }
    data
}

#[cfg(test)]
mod tests {
    use kube::core::GroupVersion;

    use super::{super::fake::FakeApi, *};
    use crate::controller::objects::resource;

    #[tokio::test(start_paused = true)]
    async fn a_failure_lasts_until_a_list_is_complete() {
        let api = FakeApi::default();
        api.forbid(Some("jobs"));
        let jobs = resource(&GroupVersion::gv("batch", "v1"), "jobs");
        let mut observations = Observations::of(api.client(), &jobs, Watched::default());
        for _ in 0..2 {
            assert_eq!(observations.next().await, Observation::Listing);
            let failed = Observation::Failed(Failure::Forbidden);
            assert_eq!(observations.next().await, failed);
        }
        assert_eq!(observations.next().await, Observation::Listing);
        assert!(observations.outage.lasts());

        api.forbid(None);
        assert_eq!(observations.next().await, Observation::Listed);
        assert!(!observations.outage.lasts());
    }
}
