//! The objects of one kind, as a watch of the API server shows them.

use std::{fmt, pin::Pin};

use futures_util::StreamExt;
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, ObjectMeta},
    core::{DynamicResourceScope, GroupVersion, PartialObjectMeta},
    runtime::watcher::{self, Config, Event, watcher},
};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::warn;

use super::{
    WATCH_SECONDS, WatchEvents, WatchFailure, Watching, watch_error_text, watch_retry_after,
    watch_status,
};
use crate::outage::{Outage, Pause};

/// What a watch shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Observation {
    /// The API server refused, or did not answer; the watch is tried again after a pause.
    Failed(WatchFailure),
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
pub(crate) struct Watched {
    /// `None`: in all namespaces, or in none if they live in none.
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    /// Whether their metadata suffice.
    pub(crate) metadata_only: bool,
}

/// Prints the selection for a log.
impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            labels,
            fields,
            ..
        } = self;
        let parts = [(" in ", namespace), (" with ", labels), (" with ", fields)];
        parts.iter().try_for_each(|(before, part)| match part {
            Some(part) => write!(f, "{before}{part}"),
            None => Ok(()),
        })
    }
}

/// A watch that goes on for ever. After a failure it pauses, and lists again if it has to.
pub(crate) struct Observations {
    watch: Watching<DynamicObject>,
    outage: Outage,
    pause: Pause,
    /// The end of the pause after a failure.
    resume: Option<Pin<Box<Sleep>>>,
}

impl Observations {
    pub(crate) fn of(client: Client, resource: ApiResource, watched: Watched) -> Self {
        let outage = Outage::of(format!("watch of {}{watched}", resource.plural));
        let open = move || open(client.clone(), &resource, watched.clone());
        Self {
            watch: Watching::of(open),
            outage,
            pause: Pause::default(),
            resume: None,
        }
    }

    /// Waits for the next observation. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> Observation {
        loop {
            if let Some(resume) = &mut self.resume {
                resume.await;
                self.resume = None;
                self.watch.resume();
            }
            match self.watch.next().await {
                Some(Ok(event)) => return self.observed(event),
                Some(Err(error)) => return self.failed(&error),
                None => self.watch.begin_anew(),
            }
        }
    }

    fn observed(&mut self, event: Event<DynamicObject>) -> Observation {
        // The beginning of a list says nothing: no answer has come yet.
        if !matches!(event, Event::Init | Event::InitApply(_)) {
            self.pause = Pause::default();
            self.outage.succeeded();
        }
        observation(event)
    }

    fn failed(&mut self, error: &watcher::Error) -> Observation {
        let failure = WatchFailure::of(error);
        let asked_for = watch_retry_after(error).unwrap_or_default();
        let text = watch_error_text(error);
        self.outage.failed(&text, &text);
        let pause = self.pause.after_failure();
        let until = pause.deadline().max(Instant::now() + asked_for);
        self.resume = Some(Box::pin(sleep_until(until)));
        if may_have_missed(error) {
            self.watch.begin_anew();
        }
        Observation::Failed(failure)
    }
}

/// Returns whether a watch may have missed something that it does not show later: the API server
/// refused it, or was away. The one that comes back may have another history, from a backup.
fn may_have_missed(error: &watcher::Error) -> bool {
    let was_away =
        matches!(error, watcher::Error::WatchStartFailed(_)) && watch_status(error).is_none();
    was_away || WatchFailure::of(error) != WatchFailure::Passing
}

fn open(client: Client, resource: &ApiResource, watched: Watched) -> WatchEvents<DynamicObject> {
    let config = Config {
        label_selector: watched.labels,
        field_selector: watched.fields,
        ..Config::default()
    };
    let config = config.timeout(WATCH_SECONDS);
    let namespace = watched.namespace.as_deref();
    if watched.metadata_only {
        let api = api::<PartialObjectMeta<DynamicObject>>(client, resource, namespace);
        let events = watcher(api, config);
        events.map(|event| event.map(metadata)).boxed()
    } else {
        let api = api::<DynamicObject>(client, resource, namespace);
        watcher(api, config).boxed()
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
        Event::Apply(object) | Event::InitApply(object) => Observation::Object(object_json(object)),
        Event::Delete(object) => Observation::Gone(object_json(object)),
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
pub(crate) fn object_json(object: DynamicObject) -> Value {
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

/// Returns a resource of the API, to be watched.
pub(crate) fn resource(version: &GroupVersion, plural: &str) -> ApiResource {
    ApiResource {
        group: version.group.clone(),
        version: version.version.clone(),
        api_version: version.api_version(),
        // Lists and watches do not name it.
        kind: String::new(),
        plural: plural.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::controller::fake::FakeApi;

    #[tokio::test(start_paused = true)]
    async fn a_failure_lasts_until_a_list_is_complete() {
        let api = FakeApi::default();
        api.forbid(Some("jobs"));
        let jobs = resource(&GroupVersion::gv("batch", "v1"), "jobs");
        let mut observations = Observations::of(api.client(), jobs, Watched::default());
        for _ in 0..2 {
            assert_eq!(observations.next().await, Observation::Listing);
            let failed = Observation::Failed(WatchFailure::Forbidden);
            assert_eq!(observations.next().await, failed);
        }
        assert_eq!(observations.next().await, Observation::Listing);
        assert!(observations.outage.lasts());

        api.forbid(None);
        assert_eq!(observations.next().await, Observation::Listed);
        assert!(!observations.outage.lasts());
    }

    #[test]
    fn a_watch_lists_again_after_a_refusal_and_after_an_api_server_that_was_away() {
        let status = |code| {
            let status = kube::core::Status::failure("no", "No").with_code(code);
            kube::Error::Api(Box::new(status))
        };
        let away = || kube::Error::LinesCodecMaxLineLengthExceeded;
        for (error, lists) in [
            (watcher::Error::WatchStartFailed(away()), true),
            (watcher::Error::WatchStartFailed(status(403)), true),
            (watcher::Error::WatchStartFailed(status(503)), false),
            (watcher::Error::WatchFailed(away()), false),
        ] {
            assert_eq!(may_have_missed(&error), lists, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_further_and_further_apart() {
        let api = FakeApi::default();
        api.set_down(true);
        let jobs = resource(&GroupVersion::gv("batch", "v1"), "jobs");
        let mut observations = Observations::of(api.client(), jobs, Watched::default());
        let begin = Instant::now();
        let mut failures = 0;
        while begin.elapsed() < Duration::from_mins(5) {
            if matches!(observations.next().await, Observation::Failed(_)) {
                failures += 1;
            }
        }
        assert!((20..=70).contains(&failures), "{failures} in five minutes");
    }
}
