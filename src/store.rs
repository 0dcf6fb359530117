//! The store: variables that a backend keeps, judged from memory, and waiters that are held until
//! a state flips.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `waiters` | held waits, and the index that finds the ones that a change concerns |
//! | `waiting` | [`Waiting`], the handle of a wait |
//! | `change_log` | the last changes, for watchers |
//! | `watch` | [`Watch`], the current state page by page, then changes as they happen |
//! | `limits` | [`Limits`], how many waiters, watchers and bytes a store accepts |
//! | `asked` | the objects that someone asks for |
//! | `dependent_pods` | the pods of the cluster that depend on something |
//! | `backend` | [`Backend`], the interface to the storage; [`Memory`], [`Embedded`], [`Kubernetes`] |
//! | `conformance` | what every backend must do, for tests |
//! | `room` | mutations within the memory budget |
//! | `shared` | the state in memory, behind one lock |
//! | `staleness` | whether a replica may miss what others have written |
//! | `write_queue` | which changes to write next, and when to try again those that failed |
//! | `write_outages` | in which namespaces writes fail |
//! | `expiry` | the task that removes expired assertions |
//! | `pulse` | whether a task or thread still runs |
//! | `handle` | [`Store`], the handle to the store |

mod asked;
mod backend;
mod change_log;
mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod dependent_pods;
mod embedded;
mod error;
mod expiry;
mod handle;
pub(crate) mod kubernetes;
mod limits;
mod memory;
mod pulse;
mod room;
mod shared;
mod staleness;
mod waiters;
mod waiting;
mod watch;
mod write_outages;
mod write_queue;

use crate::world::variables;
pub use crate::world::{
    Action, Answer, Change, ChangeKind, Effect, Epoch, Existing, Mutation, Names, Page, Position,
    PositionError, Revision, RevisionError, Scope, Step, Update, variables::Variables,
};
pub use oncue_language::State;

pub use crate::fairness::ShareTaken;

#[cfg(test)]
pub(crate) use self::clock::PausedClock;
pub(crate) use self::error::STALE;
pub use self::{
    backend::{Backend, Committed, Feed},
    clock::{Clock, SystemClock},
    embedded::Embedded,
    error::{Refusal, StoreDeath, StoreError, WaitError, WatchError},
    handle::{Asserted, NewAssertion, Store},
    kubernetes::Kubernetes,
    limits::Limits,
    memory::Memory,
    shared::{ObjectSource, Stats, WaitRequest},
    staleness::Staleness,
    waiters::{Waiter, WaiterInfo, WaiterPage, WaiterPosition},
    waiting::Waiting,
    watch::{Watch, WatchEvent},
};
pub(crate) use self::{
    write_outages::WriteOutages,
    write_queue::{WriteEnd, WriteLimits, WriteQueue},
};
