//! What is due at a given time.

use std::time::SystemTime;

use crate::validity::Validity;

/// What is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// A new certificate for the authority, and a leaf under it.
    RenewAuthority,
    /// A new leaf.
    RenewLeaf,
    /// Nothing before this moment.
    WaitUntil(SystemTime),
}

/// Returns what is due at `now` for an authority and a leaf it issued.
///
/// Compare wall clocks, and often: a timer alone sleeps through a machine's hibernation.
pub fn next_action(now: SystemTime, authority: Validity, leaf: Validity) -> Action {
    if authority.renew_at() <= now {
        Action::RenewAuthority
    } else if leaf.renew_at() <= now || now < leaf.not_before {
        Action::RenewLeaf
    } else {
        Action::WaitUntil(authority.renew_at().min(leaf.renew_at()))
    }
}
