//! Many pods, created while something is going on.

use std::{
    cell::{Cell, RefCell},
    ops::RangeInclusive,
    time::Duration,
};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Manifest, Namespace, PodManifest};

/// How many create pods at the same time.
const HANDS: usize = 4;

/// How long each of them waits from one pod to the next: twenty pods a second in all.
const PACE: Duration = Duration::from_millis(200);

/// What became of pods that were created while something was going on.
#[derive(Debug)]
pub struct Burst {
    /// How many the API server has taken.
    pub created: usize,
    /// Those it has not.
    pub refusals: Vec<Refusal>,
}

/// A pod that was not created.
#[derive(Debug)]
pub struct Refusal {
    /// From when the API server was asked to when it answered.
    pub call: RangeInclusive<Instant>,
    /// What it answered.
    pub why: String,
}

/// Creates copies of the pod for as long as `disturbance` lasts, and until there are `at_least`.
pub async fn burst_during(
    (ns, pod): (&Namespace, PodManifest),
    at_least: usize,
    disturbance: impl Future<Output = Result<()>>,
) -> Result<Burst> {
    let source = Source {
        pods: ns.api(),
        pod: copies(pod)?,
        at_least,
        is_over: Cell::new(false),
        burst: RefCell::new(Burst {
            created: 0,
            refusals: Vec::new(),
        }),
    };
    let hands = futures_util::future::join_all((0..HANDS).map(|_| source.create()));
    let (disturbed, _) = tokio::join!(
        async {
            // Large, as everything is that waits for something on the cluster.
            let disturbed = Box::pin(disturbance).await;
            source.is_over.set(true);
            disturbed
        },
        hands
    );
    disturbed?;
    Ok(source.burst.into_inner())
}

/// Each copy gets a name from the API server.
fn copies(pod: PodManifest) -> Result<Pod> {
    let mut pod: Pod = serde_json::from_value(Manifest::from(pod).value().clone())?;
    pod.metadata.generate_name = pod.metadata.name.take().map(|name| name + "-");
    Ok(pod)
}

struct Source {
    pods: Api<Pod>,
    pod: Pod,
    at_least: usize,
    is_over: Cell<bool>,
    burst: RefCell<Burst>,
}

impl Source {
    async fn create(&self) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over.get() || self.burst.borrow().created < self.at_least {
            pace.tick().await;
            let asked = Instant::now();
            let answer = self.pods.create(&PostParams::default(), &self.pod).await;
            let mut burst = self.burst.borrow_mut();
            match answer {
                Ok(_) => burst.created += 1,
                Err(error) => burst.refusals.push(Refusal {
                    call: asked..=Instant::now(),
                    why: error.to_string(),
                }),
            }
        }
    }
}
