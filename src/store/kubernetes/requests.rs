//! Requests to the API server that read or change one Signal.

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions},
    core::ApiResource,
};
use oncue_signals::{Signal, SignalSpec};
use serde_json::Value;

use super::{
    metrics::{Metrics, WriteLabels},
    replica::{ObjectState, Place},
};
use crate::{
    cluster::{ApiError, call},
    fairness::Turns,
};

/// Sends requests, a limited number at once, for namespaces in turns.
pub(super) struct Requests {
    client: Client,
    in_flight: Turns,
    metrics: Metrics,
}

impl Requests {
    pub(super) fn new(client: Client, metrics: Metrics) -> Self {
        Self {
            client,
            in_flight: Turns::new(AT_ONCE),
            metrics,
        }
    }

    /// Creates an object. Returns its state, and the spec that was kept.
    pub(super) async fn create(
        &self,
        signal: &Signal,
    ) -> Result<(ObjectState, SignalSpec), ApiError> {
        let namespace = signal.metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Signal> = Api::namespaced(self.client.clone(), namespace);
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let create = api.create(&parameters, signal);
        let created = self.write(("create", namespace), create).await?;
        let state = ObjectState {
            uid: created.metadata.uid.unwrap_or_default().into(),
            version: version_of(created.metadata.resource_version.as_deref())?,
        };
        Ok((state, created.spec))
    }

    /// Changes an object, unless the patch names another state of it. Returns its version.
    pub(super) async fn change(&self, place: &Place, patch: &Value) -> Result<u64, ApiError> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let (api, patch) = (self.api(place), Patch::Merge(patch));
        let change = api.patch_metadata(&place.name, &parameters, &patch);
        let changed = self.write(("patch", &place.namespace), change).await?;
        version_of(changed.metadata.resource_version.as_deref())
    }

    /// Deletes an object that is still as it was.
    pub(super) async fn delete(&self, place: &Place, state: &ObjectState) -> Result<(), ApiError> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(state.uid.to_string()),
                resource_version: Some(state.version.to_string()),
            }),
            ..DeleteParams::default()
        };
        let api = self.api(place);
        let deletion = api.delete(&place.name, &parameters);
        let deleted = self.write(("delete", &place.namespace), deletion);
        deleted.await.map(drop)
    }

    /// Reads an object, if it exists.
    pub(super) async fn get(&self, place: &Place) -> Result<Option<DynamicObject>, ApiError> {
        let _turn = self.in_flight.take(&place.namespace).await;
        call(self.api(place).get_opt(&place.name)).await
    }

    fn api(&self, place: &Place) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &place.namespace, &signals())
    }

    async fn write<T>(
        &self,
        (verb, namespace): (&'static str, &str),
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ApiError> {
        let _turn = self.in_flight.take(namespace).await;
        let result = call(request).await;
        let label = result.as_ref().err().map_or("ok", ApiError::label);
        self.metrics.wrote(&WriteLabels {
            verb,
            result: label,
        });
        result
    }
}

/// Returns the resource of Signals.
pub(super) fn signals() -> ApiResource {
    ApiResource::erase::<Signal>(&())
}

fn version_of(text: Option<&str>) -> Result<u64, ApiError> {
    let version = text.and_then(|text| text.parse().ok());
    version.ok_or_else(|| ApiError::Unanswered("the answer has no version".to_owned()))
}

/// The owner of the fields that the store writes, as the API server notes it.
const FIELD_MANAGER: &str = "oncue-store";

/// The most requests that are in flight. Each has at most some 30 KiB: a value, escaped, and names.
const AT_ONCE: usize = 64;
