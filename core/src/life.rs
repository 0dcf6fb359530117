//! Assertions and the life of a signal: when it is asserted, and when it is withdrawn.
//!
//! Pure: times come in as values, and what is to be done goes out as data. A rehearsal and a
//! controller feed [`Event`]s to [`PodSignals::on`] and carry out the [`Act`]s.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `assertion` | [`Assertion`] and its [`AssertionId`] |
//! | `declared_signal`, `signals`, `outcome` | what a pod or a Job signals, and when |
//! | `container_state`, `observed_pod`, `observed_job` | what is read of pods and Jobs, on arrival |

mod assertion;
mod container_state;
mod declared_signal;
mod observed_job;
mod observed_pod;
mod outcome;
mod signals;

pub use self::{
    assertion::{Asserter, Assertion, AssertionId},
    container_state::ContainerState,
    declared_signal::DeclaredSignal,
    observed_job::ObservedJob,
    observed_pod::{Deletion, ObservedPod, PodPhase, PodProblem, Unidentified},
    outcome::{Outcome, OutcomeSignals, RunEnd},
    signals::{Act, Event, PodSignals, SignalProblem, UnresolvedSignal},
};
pub use oncue_language::{Kind, Owner, Timestamp, TimestampError};
