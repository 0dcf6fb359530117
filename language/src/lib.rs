//! The words of oncue, as pure code: no I/O, no clock, no async.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`name`] | [`VariableName`], [`Namespace`] and [`VariableKey`] |
//! | [`value`] | [`Value`], what an assertion may carry |
//! | [`timeout`] | [`Timeout`], a duration as Kubernetes users write it |
//! | [`timestamp`] | [`Timestamp`], a moment |
//! | [`owner`], [`kind`] | [`Owner`], [`OwnerKind`] and [`Kind`]: the pod that asserts a variable, and how long an assertion lasts |
//! | [`template`] | [`NameTemplate`] and [`ValueTemplate`], with `$(POD_NAME)` and the like in them, and [`Facts`] |
//! | [`term`] | [`Term`], one term of `depends-on`: parse and print |
//! | [`object`] | [`ObjectTerm`] and [`ObjectKey`], objects of a cluster and what is asked of them |
//! | [`signal`] | [`Signal`], one term of `signals` |
//! | [`condition`] | [`Condition`], a term whose names are all known: what a server judges |
//! | [`evaluate`] | [`judge`](evaluate::judge) a condition against a [`View`] of the world |
//! | [`escape`] | [`Escaped`](escape::Escaped), text of other people on a terminal |
//! | [`state`], [`verdict`] | [`State`], that of a term, and [`Verdict`], the state with its reason |
//! | [`expiry`] | [`TimeoutRules`], when time ends a wait or gives up a term |
//! | [`grace`] | [`Grace`], which failures of an earlier release count for a wait |
//! | [`host`] | what a host name means: the [loopback](host::is_loopback), or a [Service](host::service_of) |
//! | [`readiness`] | [`ServiceReadiness`], that of a Service which a client probes |
//! | [`annotation`] | [`PodAnnotations`], everything a pod may ask for |
//!
//! Every parse error is a variant that says which rule broke; its text reaches a person unchanged.

pub mod annotation;
pub mod condition;
pub mod escape;
pub mod evaluate;
pub mod expiry;
pub mod grace;
pub mod host;
pub mod kind;
pub mod name;
pub mod object;
pub mod owner;
pub mod readiness;
mod serde_text;
pub mod signal;
pub mod state;
pub mod syntax;
pub mod template;
pub mod term;
pub mod timeout;
pub mod timestamp;
pub mod value;
pub mod verdict;

pub use self::{
    annotation::{AnnotationError, AnnotationWarning, Keys, PodAnnotations, Reading},
    condition::{Condition, Subject},
    evaluate::{ObjectState, View},
    expiry::{Consequence, Expiry, TimeoutRules},
    grace::Grace,
    kind::Kind,
    name::{NameError, Namespace, VariableKey, VariableName},
    object::{ObjectDemand, ObjectKey, ObjectKind, ObjectTerm, Which},
    owner::{Owner, OwnerKind},
    readiness::ServiceReadiness,
    signal::Signal,
    state::State,
    syntax::{Located, SyntaxError, TextPosition},
    template::{Facts, NameTemplate, Placeholder, ValueTemplate},
    term::{Demand, Presence, Probe, Target, Term},
    timeout::Timeout,
    timestamp::{Timestamp, TimestampError},
    value::Value,
    verdict::{Reason, Verdict},
};
