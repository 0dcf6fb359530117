//! The store: variables that a backend keeps, judged from memory, and waiters that are held until
//! a state flips.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `waiters` | held waits, and the index that finds those that a change concerns |
//! | `waiting` | [`Waiting`], a wait as its client has it |
//! | `change_log` | the last changes, for watchers |
//! | `watch` | [`Watch`], the present state page by page, then changes as they happen |
//! | `limits` | [`Limits`], how much a store takes on |
//! | `backend` | [`Backend`], the seam to what keeps the variables; [`Memory`], [`Embedded`] |
//! | `room` | whether there is room for what a mutation makes |
//! | `shared` | the memory behind one lock, fed by the backend |
//! | `expiry` | the task that removes what ends by itself |
//! | `pulse` | whether that task and the writer still run |
//! | `handle` | [`Store`], what others use |

mod backend;
mod change_log;
mod clock;
mod embedded;
mod error;
mod expiry;
mod handle;
mod limits;
mod memory;
mod pulse;
mod room;
mod shared;
mod waiters;
mod waiting;
mod watch;

use crate::world::variables;
pub use crate::world::{
    Action, Answer, Change, ChangeKind, Effect, Epoch, Existing, Mutation, Names, Page, Position,
    PositionError, Revision, RevisionError, Scope, Step, Update, Withdrawal, variables::Variables,
};
pub use oncue_language::State;

pub use self::{
    backend::{Backend, Committed, Feed},
    clock::{Clock, SystemClock},
    embedded::Embedded,
    error::{StoreDeath, StoreError, WaitError, WatchError},
    handle::{Asserted, NewAssertion, Store},
    limits::Limits,
    memory::Memory,
    shared::{ObjectSource, Stats, WaitRequest},
    waiters::{Waiter, WaiterInfo, WaiterPage, WaiterPosition},
    waiting::Waiting,
    watch::{Watch, WatchEvent},
};
