//! Many pods that are created during a disturbance.

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

/// Number of parallel creators.
const HANDS: usize = 4;

/// Pause of each creator between two pods: 20 pods per second in total.
const PACE: Duration = Duration::from_millis(200);

/// Results of the creates.
#[derive(Debug)]
pub struct Burst {
    /// Number of pods that the API server accepted.
    pub created: usize,
    /// The rejected ones.
    pub refusals: Vec<Refusal>,
}

/// A pod that was not created.
#[derive(Debug)]
pub struct Refusal {
    /// Time span from the request to the answer.
    pub call: RangeInclusive<Instant>,
    /// The answer.
    pub why: String,
}

/// Creates copies of the pod while `disturbance` lasts, and until there are `at_least`.
pub async fn burst_during(
    of: (&Namespace, PodManifest),
    at_least: usize,
    disturbance: impl Future<Output = Result<()>>,
) -> Result<Burst> {
    let source = Source::new(of, (PostParams::default(), at_least))?;
    source.create_during(disturbance).await
}

/// Asks for copies of the pod while `disturbance` lasts, with dry runs, which create nothing.
pub async fn dry_runs_during(
    of: (&Namespace, PodManifest),
    disturbance: impl Future<Output = Result<()>>,
) -> Result<Burst> {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let source = Source::new(of, (dry_run, 0))?;
    source.create_during(disturbance).await
}

/// The API server generates a name for each copy.
fn copies(pod: PodManifest) -> Result<Pod> {
    let mut pod: Pod = serde_json::from_value(Manifest::from(pod).value().clone())?;
    pod.metadata.generate_name = pod.metadata.name.take().map(|name| name + "-");
    Ok(pod)
}

struct Source {
    pods: Api<Pod>,
    pod: Pod,
    params: PostParams,
    at_least: usize,
    is_over: Cell<bool>,
    burst: RefCell<Burst>,
}

impl Source {
    fn new(
        (ns, pod): (&Namespace, PodManifest),
        (params, at_least): (PostParams, usize),
    ) -> Result<Self> {
        let burst = Burst {
            created: 0,
            refusals: Vec::new(),
        };
        Ok(Self {
            pods: ns.api(),
            pod: copies(pod)?,
            params,
            at_least,
            is_over: Cell::new(false),
            burst: RefCell::new(burst),
        })
    }

    async fn create_during(self, disturbance: impl Future<Output = Result<()>>) -> Result<Burst> {
        let hands = futures_util::future::join_all((0..HANDS).map(|_| self.create()));
        let (disturbed, _) = tokio::join!(
            async {
                // Boxed, because the future is large.
                let disturbed = Box::pin(disturbance).await;
                self.is_over.set(true);
                disturbed
            },
            hands
        );
        disturbed?;
        Ok(self.burst.into_inner())
    }

    async fn create(&self) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over.get() || self.burst.borrow().created < self.at_least {
            pace.tick().await;
            let asked = Instant::now();
            let answer = self.pods.create(&self.params, &self.pod).await;
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
