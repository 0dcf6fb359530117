//! A cluster that is simulated: what happens to the pods of a set of manifests, and when.
//!
//! Everything here is pure: events and the time go in as values, actions come out. Nothing reads a
//! file, a socket or a clock.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`inventory`] | [`Inventory`], the controllers and Services that a set of objects describes |
//! | `controller`, `plan`, `job`, `tally` | the workload controllers: which pods exist when; `job` has all that is special about Jobs |
//! | [`options`] | [`Options`], what the command line changes |
//! | [`order`], `cluster::stages` | [`Order`], what an installer applies when |
//! | [`cluster`] | [`Cluster`], the state machine: [`Event`]s in, [`Action`]s out |
//! | `cluster::kubelet`, `cluster::steps` | what a kubelet does with a pod, step by step |
//! | `cluster::scheduler` | which node a pod gets |
//! | `cluster::controllers` | lets the workload controllers create pods and end Jobs |
//! | `cluster::pod_status`, `cluster::container`, `cluster::workload_status` | the status of objects, as kubelets and controllers write it |
//! | `cluster::oncue` | oncue's own controller: what it sees, and what it decides about signals and gates |
//! | `cluster::objects` | the objects that terms ask for; which of them are not played |
//! | `cluster::endpoints` | which pods are behind a Service, and what a probe finds |
//! | [`command`] | what a kubelet makes of a container's command |
//! | `pending` | whether a wait can still end |
//! | [`virtual_time`] | [`simulate`], the executor in memory: store, clients and clock are virtual |
//! | [`entry`] | [`Entry`], one line of the timeline |
//! | [`report`], [`verdict`], `producers` | the summary: who waited for whom, and who is stuck |
//!
//! Two executors drive a [`Cluster`]. [`simulate`] keeps an event queue on a virtual clock and runs
//! the client's own wait machine; the other, outside of this crate, starts processes. Both get the
//! same actions.

pub mod cluster;
pub mod command;
mod controller;
pub mod entry;
pub mod inventory;
mod job;
mod names;
pub mod options;
pub mod order;
mod pending;
mod plan;
mod producers;
pub mod report;
mod tally;
pub mod verdict;
pub mod virtual_time;

#[cfg(test)]
mod kit;
#[cfg(test)]
mod tests;

pub use self::{
    cluster::{
        Action, Admission, Cluster, Event, Exit, Moment, Outlook, PodId, StoreView, Stuck, Task,
    },
    entry::{Entry, Listener, Seconds, Unknown, What},
    inventory::{Inventory, InventoryError},
    options::{Options, UnknownName},
    order::{Installer, Operation, Order},
    report::Report,
    virtual_time::{Creation, Finish, SimulationError, announce, simulate},
};
