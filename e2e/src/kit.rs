//! Helpers of the tests.
//!
//! ```no_run
//! use e2e::kit::{pod, with_temp_ns};
//!
//! # async fn test() -> anyhow::Result<()> {
//! with_temp_ns(async |ns| {
//!     let second = ns.create_pod(pod("second").depends_on("first/container")).await?;
//!     second.is_held().await?;
//!     ns.create_pod(pod("first").signals("first/container")).await?;
//!     second.is_running().await?;
//!     Ok(())
//! })
//! .await
//! # }
//! ```

mod account;
mod burst;
mod diagnosis;
mod eventually;
pub mod image;
mod live_pod;
mod manifest;
mod namespace;
mod node;
mod oncue;
mod signals;
mod store;
mod store_connection;
mod store_door;
mod store_pods;
mod times;
mod tokens;

pub use account::Account;
pub use burst::{Burst, Refusal, burst_during, dry_runs_during};
pub use eventually::{eventually, in_time};
pub use live_pod::{
    Ending, LivePod, Run, WAIT, are_held, are_released, is_injected, runs_of, waits_and_signals,
};
pub(crate) use manifest::merge;
pub use manifest::{
    Manifest, PodManifest, cron_job, daemon_set, deployment, job, pod, service, stateful_set,
};
pub use namespace::{
    Namespace, PLAIN_NAMESPACES, with_labelled_temp_ns, with_plain_ns, with_temp_ns,
};
pub use node::Node;
pub use oncue::{Oncue, with_oncue};
pub use signals::signal;
pub use store::{PLAIN_STORE_URL, STORE_URL, Store};
pub use store_door::{StoreClient, StoreDoor};
pub use times::{ended_at, started_at};
pub use tokens::{AUDIENCE, forged};
