//! What namespaces share, so that none takes what others need.
//!
//! One rule for everything that is limited and given back soon: a namespace may have at most
//! [`EAGERNESS`] times as much as is left for all. So a namespace that is alone gets eight ninths,
//! two that want everything come to have eight seventeenths each, and something is left for the next.
//! Whatever is given back goes to those that have less.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `places` | [`Places`], a limited number of places: one more is refused |
//! | `turns` | [`Turns`], a limited number of permits: one more waits for its turn |

mod places;
mod turns;

pub use self::places::ShareTaken;
pub(crate) use self::{
    places::{NoPlace, Place, Places},
    turns::{Turn, Turns},
};

/// Returns whether a namespace that has `own` may take `more` if that leaves `left` for all. The first
/// that a namespace takes is never too much.
pub(crate) fn is_fair(own: usize, more: usize, left: usize) -> bool {
    own == 0 || own.saturating_add(more) <= left.saturating_mul(EAGERNESS)
}

/// How many times as much a namespace may have as is left for all.
const EAGERNESS: usize = 8;
