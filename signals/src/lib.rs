//! The custom resource `Signal` (`signals.oncue.dev`): an assertion of a variable as an object of
//! Kubernetes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`resource`] | [`Signal`] and [`SignalSpec`], from which the CRD is generated |
//! | [`name`] | [`object_name`], the name that follows from the content |
//! | [`assertion`] | a `Signal` read as an assertion, and an assertion written as a `Signal` |
//! | [`mod@patch`] | [`patch()`], the change of an object to another state of its assertion |
//! | [`error`] | [`SignalError`], why an object is no assertion |

pub mod assertion;
pub mod error;
pub mod name;
pub mod patch;
#[allow(
    clippy::doc_markdown,
    reason = "kubectl shows the comments, backticks included"
)]
#[allow(
    clippy::duplicated_attributes,
    unreachable_pub,
    reason = "the derived attributes and types are such"
)]
pub mod resource;

#[cfg(test)]
mod tests;

pub use self::{
    error::SignalError,
    name::object_name,
    patch::patch,
    resource::{GROUP, KIND, PLURAL, Signal, SignalKind, SignalOwner, SignalSpec, VERSION},
};
