//! Certificates for servers that their clients verify with a bundle: admission webhooks first of all.
//!
//! The crate has no clock, no file, no socket and no timer: `now` comes in as a value, keys and
//! certificates come and go as PEM, and two small traits are the way to where they are kept. It needs
//! no runtime.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`key`] | [`AuthorityKey`], which outlives its certificates |
//! | [`certificate`] | [`AuthorityCertificate`], public: what clients trust |
//! | [`authority`] | [`Authority`], a key with its certificates: issues leaves, is renewed with an overlap |
//! | [`given`] | [`Given`], a server's certificate that somebody else issues |
//! | [`credentials`] | [`Credentials`], one or the other |
//! | [`leaf`] | [`Leaf`], a server's certificate and key |
//! | [`validity`] | [`Validity`], from when to when |
//! | [`profile`] | [`Profile`], the names in certificates, and for how long they are valid |
//! | [`stored`] | [`Stored`], what is found where the authority is kept |
//! | [`trust`] | [`TrustBundle`], the certificates that clients trust; [`Published`], what they are told |
//! | [`decision`] | [`decide`], the decision: what is seen in, one [`Action`] out |
//! | [`custody`] | [`Custody`], which looks, decides and acts until nothing is due |
//! | [`resolver`] | [`SwappableCertificate`], what a running server hands out |

pub mod authority;
pub mod certificate;
pub mod credentials;
pub mod custody;
pub mod decision;
pub mod error;
pub mod given;
pub mod key;
pub mod leaf;
pub mod profile;
pub mod resolver;
pub mod stored;
pub mod trust;
pub mod validity;

mod verify;

#[cfg(test)]
mod tests;

pub use self::{
    authority::Authority,
    certificate::AuthorityCertificate,
    credentials::Credentials,
    custody::{
        Custody, Event, Found, Keeper, Kept, Publisher, Served, Settled, Unpublished, Written,
    },
    decision::{Action, Lack, Right, Situation, decide},
    error::CertificateError,
    given::Given,
    key::AuthorityKey,
    leaf::Leaf,
    profile::Profile,
    resolver::SwappableCertificate,
    stored::{Stored, Unusable},
    trust::{Entry, Published, TrustBundle, Wanted},
    validity::Validity,
};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
