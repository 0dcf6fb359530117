//! Assertions and the life of a signal: when it is asserted, and when it is withdrawn.
//!
//! Pure: times come in as values, and what is to be done goes out as data. A rehearsal and a
//! controller feed [`Event`]s to [`PodSignals::on`] and carry out the [`Act`]s.

mod assertion;
mod signals;

pub use self::{
    assertion::{Asserter, Assertion, AssertionId},
    signals::{Act, Event, PodSignals, UnresolvedSignal},
};
pub use oncue_language::{Kind, Owner, Timestamp, TimestampError};
