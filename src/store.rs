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

mod answer;
mod backend;
mod clock;
mod embedded;
mod error;
mod expiry;
mod handle;
mod memory;
mod mutation;
mod pulse;
mod revision;
mod shared;
mod variable;
mod variables;
mod waiters;
mod watch;
mod world;

pub use self::{
    answer::{Answer, State},
    backend::{Backend, Committed, Feed, Update},
    clock::{Clock, SystemClock},
    embedded::Embedded,
    error::{StoreDeath, StoreError, WaitError, WatchError},
    handle::{Asserted, NewAssertion, Store},
    memory::Memory,
    mutation::{Action, Effect, Existing, Mutation, Step, Withdrawal},
    revision::{Epoch, Revision, RevisionError},
    shared::{Limits, ObjectSource, Stats, WaitRequest},
    variable::Variable,
    waiters::{Waiter, WaiterInfo},
    watch::{Change, ChangeKind, Listing, Scope, Watch},
};
