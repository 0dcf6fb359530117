//! Counts annotated pods that were not injected: they came while no webhook answered, or while it
//! was not installed yet.
//!
//! Of several replicas, the leader counts.
//!
//! The watch of pods does not show them, because they have no label. A watch of all pods would cost
//! memory for each; a list is counted page by page, now and then.

use std::time::Duration;

use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, ListParams},
    core::PartialObjectMeta,
};
use tokio::time::sleep;

use super::{Context, metrics::Metrics, pods::pods};
use crate::{
    cluster::{ApiError, call},
    injection::managed_label,
    language::{Keys, PodAnnotations, annotation::Inject},
    leadership::Leadership,
    outage::Outage,
};

/// The task that counts annotated pods that were not injected.
pub(super) struct UninjectedTask {
    client: Client,
    keys: Keys,
    metrics: Metrics,
    outage: Outage,
}

impl UninjectedTask {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            keys: context.keys.clone(),
            metrics: context.metrics.clone(),
            outage: Outage::of("count of pods that were not injected"),
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self, leadership: Leadership) {
        loop {
            leadership.gained().await;
            tokio::select! {
                () = leadership.lost() => {}
                () = self.keep_counting() => {}
            }
            self.metrics.uninjected(0);
        }
    }

    async fn keep_counting(&mut self) {
        // A controller has more to do at first.
        sleep(FIRST).await;
        loop {
            let count = self.count().await;
            if let Some(count) = self.outage.note(count) {
                self.metrics.uninjected(count);
            }
            sleep(BETWEEN_LISTS).await;
        }
    }

    async fn count(&self) -> Result<usize, ApiError> {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &pods());
        let mut params = ListParams::default()
            .labels(&format!("!{}", managed_label(&self.keys)))
            .fields("status.phase!=Succeeded,status.phase!=Failed")
            .limit(PAGE);
        let mut count = 0;
        loop {
            let page = call(api.list_metadata(&params)).await?;
            count += page.items.iter().filter(|pod| self.asks(pod)).count();
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => return Ok(count),
            }
        }
    }

    /// Returns whether the annotations of a pod ask for an injection, right or wrong.
    fn asks(&self, pod: &PartialObjectMeta<DynamicObject>) -> bool {
        let annotations = pod.annotations();
        let is_mirror = annotations.contains_key("kubernetes.io/config.mirror");
        let texts = annotations.iter();
        let texts = texts.map(|(key, value)| (key.as_str(), value.as_str()));
        let asked = PodAnnotations::read(&self.keys, texts).annotations;
        !is_mirror
            && asked.map_or(true, |it| {
                it.inject != Inject::Off && it.asks_for_anything()
            })
    }
}

const BETWEEN_LISTS: Duration = Duration::from_mins(10);
const FIRST: Duration = Duration::from_secs(30);
const PAGE: u32 = 200;
