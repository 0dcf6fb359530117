//! How the process stays below its memory limit: the limit is split into named budgets, and each
//! byte that a client makes us keep is taken from one of them.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `size` | [`ByteSize`], bytes as Kubernetes writes them |
//! | `limit` | [`MemoryLimit`], from the settings or from the cgroup |
//! | `plan` | [`MemoryPlan`], the budgets that follow from a limit: pure |
//! | `charged` | bytes that give their room back when they are sent |
//! | `pool` | [`Pool`], a budget at run time, and [`Share`], a part that somebody has taken |

mod charged;
mod limit;
mod plan;
mod pool;
mod size;

pub(crate) use self::charged::charged;
pub use self::{
    limit::{LimitSource, MemoryLimit},
    plan::{Budget, LimitTooSmall, MemoryPlan, StoreMemory, WebhookMemory},
    pool::{Exhausted, Pool, Share},
    size::{ByteSize, ByteSizeError},
};
