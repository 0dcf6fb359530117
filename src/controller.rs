//! The controller: watches the cluster, and keeps the variables true.
//!
//! Of several replicas, one leads: `gates`, `life`, `reporting` and `uninjected` only watch in the
//! others, and decide everything anew when their own replica comes to lead.
//!
//! It decides nothing itself: the crate `oncue-core` does, from what is observed here.
//!
//! | module | what it does | writes to |
//! | --- | --- | --- |
//! | `assertions` | follows the assertions that exist | nothing |
//! | `confirmations` | asks whether single pods exist | nothing |
//! | `namespaces` | watches who may read which namespace; runs without the others too | the store's memory |
//! | `objects` | judges the objects that waiters ask for | the store's memory |
//! | `pods` | watches pods, for `dependent_pods`, `life`, `gates` and `reporting` | nothing |
//! | `dependent_pods` | tells which pods depend on something | the store's memory |
//! | `gates` | opens the scheduling gates of pods whose terms hold | pods |
//! | `identity` | tells which managed pods exist | what tokens have opened |
//! | `life` | asserts and withdraws what pods and Jobs imply | the store |
//! | `reporting` | shows what pods wait for | conditions of pods, Events |
//! | `uninjected` | counts annotated pods that were not injected | nothing |
//! | `writes` | makes writes, a limited number at once | |
//! | `metrics` | counts what was written | |

pub(crate) mod assertions;
mod confirmations;
mod dependent_pods;
#[cfg(test)]
pub(crate) mod fake;
mod gates;
mod identity;
mod life;
mod metrics;
mod namespaces;
mod objects;
mod pods;
mod reporting;
#[cfg(test)]
mod tests;
mod uninjected;
mod writes;

pub(crate) use self::namespaces::NamespacesTask;

use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{task::JoinSet, time::sleep};

use self::{
    dependent_pods::DependentPodsTask, gates::GatesTask, identity::IdentityTask, life::LifeTask,
    metrics::Metrics, objects::ObjectsTask, pods::PodsTask, reporting::ReportingTask,
    uninjected::UninjectedTask, writes::Writes,
};
use crate::{
    identity::Access,
    language::{Keys, Timestamp},
    net::{Phase, Shutdown},
    store::{ObjectSource, Store},
};

/// The controller of a cluster, beside the store that it keeps true.
pub(crate) struct Controller {
    client: Client,
    store: Store,
    settings: Settings,
    metrics: Metrics,
}

/// What an installation decides for its controller.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How annotation keys are written.
    pub(crate) keys: Keys,
    pub(crate) opens_gates: bool,
    /// How the store decides who may do what.
    pub(crate) access: Access,
}

/// What the parts of a controller share.
struct Context {
    client: Client,
    store: Store,
    keys: Keys,
    metrics: Metrics,
    writes: Writes,
}

impl Controller {
    /// Returns the controller of the cluster that `client` talks to.
    ///
    /// From now on the store takes terms about objects, and knows pods.
    pub(crate) fn new(client: Client, store: Store, settings: Settings) -> Self {
        store.judge_objects(ObjectSource::Fed);
        store.feed_pods();
        Self {
            client,
            store,
            settings,
            metrics: Metrics::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics
            .register(registry.sub_registry_with_prefix("controller"));
    }

    /// Runs until the process drains.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let Self {
            client,
            store,
            settings:
                Settings {
                    keys,
                    opens_gates,
                    access,
                },
            metrics,
        } = self;
        let leadership = store.leadership().clone();
        let context = Context {
            writes: Writes::new(leadership.clone()),
            client,
            store,
            keys,
            metrics,
        };
        let objects = ObjectsTask::new(&context);
        let mut pods = PodsTask::new(&context);
        let life = LifeTask::new(&context, pods.reader());
        let dependent = DependentPodsTask::new(&context, pods.reader());
        let reporting = ReportingTask::new(&context, pods.reader());
        let uninjected = UninjectedTask::new(&context);
        let mut tasks = JoinSet::new();
        if opens_gates {
            let gates = GatesTask::new(&context, pods.reader());
            tasks.spawn(gates.run());
        }
        if let Access::Identified(guard) = access {
            tasks.spawn(IdentityTask::new(guard, pods.reader()).run());
        }
        tasks.spawn(objects.run());
        tasks.spawn(life.run());
        tasks.spawn(dependent.run());
        tasks.spawn(reporting.run());
        tasks.spawn(uninjected.run(leadership));
        tasks.spawn(pods.run());
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => {}
            // Neither ends but by a panic, which ends the process too.
            Some(Err(error)) = tasks.join_next() => if error.is_panic() {
                std::panic::resume_unwind(error.into_panic());
            },
        }
    }
}

/// Sleeps from `now` until `moment`, or for ever.
async fn until(moment: Option<Timestamp>, now: Timestamp) {
    match moment {
        Some(moment) => sleep(moment.since(now)).await,
        None => std::future::pending().await,
    }
}
