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
//! | [`custody`] | [`Custody`], the authority where several share it; [`due`], what is due then |
//! | [`trust`] | [`TrustBundle`], the certificates that clients trust |
//! | [`resolver`] | [`SwappableCertificate`], what a running server hands out |

pub mod authority;
pub mod certificate;
pub mod custody;
pub mod error;
pub mod key;
pub mod leaf;
pub mod resolver;
pub mod trust;
pub mod validity;

#[cfg(test)]
mod tests;

pub use self::{
    authority::Authority,
    certificate::AuthorityCertificate,
    custody::{Custody, CustodyError, Due, Keeper, Kept, Unusable, Written, due, read_kept},
    error::CertificateError,
    key::AuthorityKey,
    leaf::Leaf,
    resolver::SwappableCertificate,
    trust::TrustBundle,
    validity::Validity,
};
