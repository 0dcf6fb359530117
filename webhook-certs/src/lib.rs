//! The certificate authority of oncue and the leaf certificates it issues.
//!
//! No clock, no file: `now` comes in as a value, keys and certificates come and go as PEM.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`key`] | [`AuthorityKey`], which outlives its certificates |
//! | [`certificate`] | [`AuthorityCertificate`], public: what clients trust |
//! | [`authority`] | [`Authority`], a key with its certificates: issues leaves, is renewed with an overlap |
//! | [`leaf`] | [`Leaf`], a server's certificate and key |
//! | [`validity`] | [`Validity`], from when to when |
//! | [`rotation`] | [`next_action`], what is due at a given time |
//! | [`resolver`] | [`SwappableCertificate`], what a running server hands out |

pub mod authority;
pub mod certificate;
pub mod error;
pub mod key;
pub mod leaf;
pub mod resolver;
pub mod rotation;
pub mod validity;

#[cfg(test)]
mod tests;

pub use self::{
    authority::Authority,
    certificate::AuthorityCertificate,
    error::CertificateError,
    key::AuthorityKey,
    leaf::Leaf,
    resolver::SwappableCertificate,
    rotation::{Action, next_action},
    validity::Validity,
};
