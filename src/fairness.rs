//! What namespaces and the peers of a listener share, so that none takes what others need.
//!
//! One rule for everything that is limited and given back soon: each may have at most
//! [`EAGERNESS`] times as much as is left for all. So one that is alone gets eight ninths,
//! two that want everything come to have eight seventeenths each, and something is left for the next.
//! Whatever is given back goes to those that have less.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `shares` | [`Shares`], a limited amount: more is refused |
//! | `places` | [`Places`], a limited number of places for namespaces: one more is refused |
//! | `turns` | [`Turns`], a limited number of permits for namespaces: one more waits for its turn |

mod places;
mod shares;
mod turns;

pub use self::places::ShareTaken;
pub(crate) use self::{
    places::{NoPlace, Place, Places},
    shares::{NoShare, Part, Shares},
    turns::{Turn, Turns},
};

/// Returns whether one that has `own` may take `more` if that leaves `left` for all. The first that it
/// takes is never too much.
pub(crate) fn is_fair(own: usize, more: usize, left: usize) -> bool {
    own == 0 || own.saturating_add(more) <= left.saturating_mul(EAGERNESS)
}

/// How many times as much each may have as is left for all.
const EAGERNESS: usize = 8;
