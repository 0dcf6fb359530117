//! Simulates the pods of a set of files, and tells who waited for whom.
//!
//! The cluster itself is the pure crate `oncue-simulation`. What runs it here is one of two
//! executors: virtual time, with clients in memory and the webhook's code in this process; or the
//! real thing, with a webhook behind TLS, a store and its sockets, and clients as processes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `admission` | admission reviews, and the webhook without a socket |
//! | `real` | the executor with processes, sockets and real time |
//! | `interrupt` | SIGINT |
//! | `speed` | `--speed` |
//! | `timeline` | what is printed as it happens |

mod admission;
mod interrupt;
mod real;
mod speed;
mod timeline;

use oncue_language::Namespace;
use oncue_simulation::{
    Cluster, Finish, Inventory, InventoryError, Listener, Options, Report, SimulationError,
    UnknownName, simulate,
};
use serde_json::Value;
use thiserror::Error;

pub(crate) use self::{
    admission::AdmissionError,
    interrupt::{INTERRUPTED, Interrupt},
    real::{RealTime, run_client},
    speed::Speed,
    timeline::{Detail, Timeline},
};
use self::{admission::Webhook, real::RealError};

/// The store's address in virtual time, where nothing connects to it.
const STORE: &str = "http://127.0.0.1:9999";

/// Everything that a rehearsal is made from.
#[derive(Debug)]
pub(crate) struct Rehearsal<'a> {
    /// The objects of the files, each with the name of its file.
    pub(crate) objects: Vec<(&'a str, &'a Value)>,
    /// Where objects without a namespace live.
    pub(crate) namespace: &'a Namespace,
    pub(crate) options: Options,
    pub(crate) executor: Executor,
}

/// What runs the pods.
#[derive(Clone, Debug)]
pub(crate) enum Executor {
    /// Processes, sockets and real time.
    Real(RealTime),
    /// Virtual time.
    Virtual,
}

impl Rehearsal<'_> {
    /// Runs it to its end; returns `None` if it was interrupted.
    ///
    /// # Errors
    /// [`RehearsalError`] if it cannot run. Pods that fail are in the report.
    pub(crate) fn run(
        self,
        listener: &mut impl Listener,
    ) -> Result<Option<Report>, RehearsalError> {
        let Self {
            objects,
            namespace,
            options,
            executor,
        } = self;
        let inventory = Inventory::new(objects, namespace)?;
        if inventory.is_empty() {
            return Err(RehearsalError::NoPods);
        }
        let mut cluster = Cluster::new(inventory, options)?;
        let finish = match executor {
            Executor::Real(time) => real::run(&mut cluster, time, listener)?,
            Executor::Virtual => {
                let mut webhook = Webhook::new(STORE);
                let admit = |creation: oncue_simulation::Creation<'_>| webhook.admit(creation);
                Some(simulate(&mut cluster, listener, admit)?)
            }
        };
        Ok(finish.map(|Finish { stuck, took }| Report::new(&cluster, &stuck, took)))
    }
}

/// Why a rehearsal cannot run.
#[derive(Debug, Error)]
pub(crate) enum RehearsalError {
    /// An object cannot be read.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The files create no pods.
    #[error("these files create no pods: name some with a Pod, a Deployment, a Job or the like")]
    NoPods,
    /// Processes and sockets cannot be used.
    #[error(transparent)]
    Real(#[from] RealError),
    /// Virtual time cannot go on.
    #[error(transparent)]
    Virtual(#[from] SimulationError<AdmissionError>),
    /// `--fail` or `--hold` names nothing.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
}
