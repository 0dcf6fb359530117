//! What admission does to a pod: raw JSON + settings -> JSON Patch + warnings, or why not.
//!
//! Pure: no clock, no I/O. The pod is read through borrowed views and never rebuilt, so whatever
//! oncue has never heard of survives byte for byte.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`settings`] | [`Settings`], what an installation decides once |
//! | [`scope`] | [`Scope`], which namespaces' pods are sent for admission |
//! | [`patch`] | [`Patch`], single-element operations written straight to JSON |
//! | [`quantity`], [`resources`] | Kubernetes quantities, and what our container asks for |
//! | [`warning`], [`skip`], [`refusal`] | what is said to people, each a closed enum with labels |

mod advice;
mod annotations;
mod arguments;
mod budget;
mod changes;
mod check;
mod collision;
mod container;
mod gang;
mod hook;
pub mod patch;
mod place;
mod plan;
mod pod;
pub mod quantity;
pub mod record;
pub mod refusal;
mod request;
pub mod resources;
pub mod scope;
pub mod settings;
mod signaller;
pub mod skip;
mod user;
mod view;
mod volume;
pub mod warning;

pub use self::{
    container::CONTAINER,
    patch::Patch,
    quantity::Quantity,
    record::Record,
    refusal::{Collision, PodError, Refusal, Refused},
    resources::{ResourceList, Resources},
    scope::{Requirement, Scope},
    settings::{
        Controller, Image, NonRootUser, Proof, PullPolicy, Settings, StoreAddress, managed_label,
    },
    skip::SkipReason,
    warning::Warning,
};

use serde::Deserialize;

use self::{pod::Pod, request::Request};
use crate::language::{Namespace, PodAnnotations};

/// Which pod it is: what the object itself does not say at admission.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The namespace that the request names; the object's own is often absent.
    pub namespace: &'a Namespace,
    /// The pod's name, where it is not generated.
    pub name: Option<&'a str>,
}

/// The decision about an admitted pod.
#[derive(Clone, Debug)]
pub struct Injection {
    /// What is done.
    pub decision: Decision,
    /// The warnings for users.
    pub warnings: Vec<Warning>,
    /// What the pod asks for, filled in as far as it is known; empty where it was skipped unread.
    pub annotations: PodAnnotations,
}

/// What is done with a pod.
#[derive(Clone, Debug)]
pub enum Decision {
    /// This is changed.
    Patch(Patch),
    /// Nothing is.
    Skip(SkipReason),
}

/// What injection reads of a Pod or of a pod template; borrowed from its JSON.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct PodView<'a>(#[serde(borrow)] Pod<'a>);

impl PodView<'_> {
    /// Decides what is done with the pod.
    ///
    /// # Errors
    /// [`Refused`] if the pod must not be admitted as it is.
    pub fn inject(&self, target: &Target<'_>, settings: &Settings) -> Result<Injection, Refused> {
        self.0.check_kind()?;
        Request {
            pod: &self.0,
            target,
            settings,
        }
        .decide()
    }
}

/// Decides what is done with `pod`, the raw JSON of a Pod or of a pod template.
///
/// # Errors
/// [`Refused`] if the pod must not be admitted as it is, or if it is not a pod.
pub fn inject(pod: &str, target: &Target<'_>, settings: &Settings) -> Result<Injection, Refused> {
    PodView(Pod::read(pod)?).inject(target, settings)
}

#[cfg(test)]
mod tests;
