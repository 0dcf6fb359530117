//! The store: variables that a backend keeps, judged from memory, and waiters that are held until
//! what they wait for is true.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `variable` | [`Variable`], the assertions that it consists of |
//! | `mutation` | [`Mutation`], what can be done to one, decided without I/O |
//! | `variables`, `world` | all of them in memory, with the objects and the last changes |
//! | `waiters` | who is held until what |
//! | `watch` | changes as they happen |
//! | `backend` | [`Backend`], the seam to what keeps the variables; [`Memory`], [`Embedded`] |
//! | `shared` | the memory behind one lock, fed by the backend |
//! | `expiry` | the task that removes what ends by itself |
//! | `pulse` | whether that task and the writer still run |
//! | `handle` | [`Store`], what others use |

mod backend;
mod clock;
mod embedded;
mod error;
mod expiry;
mod handle;
mod memory;
mod pulse;
mod shared;
mod waiters;
mod watch;

use crate::world::variables;
pub use crate::world::{
    Action, Answer, Change, ChangeKind, Effect, Epoch, Existing, Mutation, Revision, RevisionError,
    Scope, Step, Update, Variable, Withdrawal,
};
pub use oncue_language::State;

pub use self::{
    backend::{Backend, Committed, Feed},
    clock::{Clock, SystemClock},
    embedded::Embedded,
    error::{StoreDeath, StoreError, WaitError, WatchError},
    handle::{Asserted, NewAssertion, Store},
    memory::Memory,
    shared::{Limits, ObjectSource, Stats, WaitRequest},
    waiters::{Waiter, WaiterInfo},
    watch::{Listing, Watch},
};
