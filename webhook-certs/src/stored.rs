//! What is found where an authority is kept.

use std::sync::Arc;

use crate::{
    authority::Authority, credentials::Credentials, error::CertificateError, given::Given,
    key::AuthorityKey,
};

/// What is found where an authority is kept.
#[derive(Debug)]
pub enum Stored {
    /// An authority, or a certificate that somebody else issues.
    Credentials(Credentials),
    /// Nothing yet, or nothing any more.
    Nothing,
    /// It cannot be read at the moment.
    Unknown,
    /// Something else.
    Unusable(Unusable),
}

/// What is kept in the place of an authority, and is none.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Unusable {
    reason: String,
    /// The key, if nothing is wrong with it: then only certificates are lost.
    pub(crate) key: Option<Arc<AuthorityKey>>,
}

impl Unusable {
    /// Says why something cannot be used, and what a person can do.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            key: None,
        }
    }

    /// Says why something is no authority.
    pub(crate) fn no_authority(reason: impl std::fmt::Display) -> Self {
        Self::new(format!(
            "what is stored is no certificate authority: {reason}; restore it from a backup, or \
             remove certificate and key to let a new one be created, which clients that run do not \
             trust"
        ))
    }
}

impl From<CertificateError> for Unusable {
    fn from(error: CertificateError) -> Self {
        Self::no_authority(error.told())
    }
}

impl Stored {
    /// Reads an authority that is kept as two texts in PEM, its key and the bundle of its
    /// certificates. A text that is empty counts as absent.
    pub fn from_pem(key: Option<&str>, bundle: Option<&str>) -> Self {
        let written = |text: Option<&str>| text.is_some_and(|it| !it.trim().is_empty());
        let unusable = match (key, bundle) {
            (None, _) if !written(bundle) => return Self::Nothing,
            (Some(_), _) if !written(key) && !written(bundle) => return Self::Nothing,
            (Some(key), Some(bundle)) if written(Some(key)) && written(Some(bundle)) => {
                match Authority::from_pem(key, bundle) {
                    Ok(authority) => return authority.into(),
                    Err(error) => Unusable {
                        key: surviving(key, &error),
                        ..error.into()
                    },
                }
            }
            (Some(key), _) if written(Some(key)) => Unusable {
                key: AuthorityKey::from_pem(key).ok().map(Arc::new),
                ..Unusable::no_authority("the certificate is missing")
            },
            _ => Unusable::no_authority("the key is missing"),
        };
        Self::Unusable(unusable)
    }
}

/// Returns the key, if `error` is about what can be made from it again.
///
/// If the key is another one than that of the certificates, nobody knows which of them is right.
fn surviving(key: &str, error: &CertificateError) -> Option<Arc<AuthorityKey>> {
    match error {
        CertificateError::NoCertificate | CertificateError::ReadCertificate { .. } => {
            AuthorityKey::from_pem(key).ok().map(Arc::new)
        }
        _ => None,
    }
}

impl From<Authority> for Stored {
    fn from(authority: Authority) -> Self {
        Self::Credentials(Credentials::Authority(Arc::new(authority)))
    }
}

impl From<Given> for Stored {
    fn from(given: Given) -> Self {
        Self::Credentials(Credentials::Given(Arc::new(given)))
    }
}
