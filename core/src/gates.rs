//! Scheduling gates: when the gate of a pod opens.
//!
//! Pure: what was observed comes in as values, and so does the time. The shell reads each pod with
//! [`GatedPod::read`], judges the conditions of its [`GateWait`], and asks
//! [`GateWait::decide`] again when a state changes, or at the time that the last decision names.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `gated_pod` | [`GatedPod`], what is observed of a pod |
//! | `gate_wait` | [`GateWait`], the terms and timeouts of a gated pod, and the decision |

mod gate_wait;
mod gated_pod;

pub use self::{
    gate_wait::{GateDecision, GateWait, Overdue},
    gated_pod::{Gate, GatedPod},
};
