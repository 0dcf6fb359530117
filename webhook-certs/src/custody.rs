//! The stored authority, which several servers share.

use std::{error::Error, sync::Arc, time::SystemTime};

use crate::{authority::Authority, error::CertificateError};

/// The place in which an authority is stored.
///
/// A write replaces only the version that was read. If several servers write at the same time, one
/// wins and the others read again.
pub trait Keeper {
    /// What a read found, as a write has to name it.
    type Version: Send;
    /// Why a read or a write fails.
    type Error: Error + Send + Sync + 'static;

    /// Reads what is kept. What is neither an authority nor nothing at all is an error, and left
    /// alone.
    fn read(&self) -> impl Future<Output = Result<Kept<Self::Version>, Self::Error>> + Send;

    /// Writes `authority` in the place of what was read as `version`.
    fn write(
        &self,
        authority: &Authority,
        version: Self::Version,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;
}

/// What is kept.
#[derive(Debug)]
pub struct Kept<V> {
    /// The authority, or `None` if there is none yet.
    pub authority: Option<Authority>,
    /// Which state of the place this is.
    pub version: V,
}

/// What is kept in the place of an authority, and is none.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Certificates without their key.
    #[error("the key is missing")]
    CertificateAlone,
    /// Something else.
    #[error(transparent)]
    Damaged(CertificateError),
    /// A key without a certificate.
    #[error("the certificate is missing")]
    KeyAlone,
}

/// Reads an authority that is kept as two texts in PEM, its key and the bundle of its certificates;
/// where there is neither, there is none.
pub fn read_kept(key: Option<&str>, bundle: Option<&str>) -> Result<Option<Authority>, Unusable> {
    match (key, bundle) {
        (Some(key), Some(bundle)) => {
            let authority = Authority::from_pem(key, bundle).map_err(Unusable::Damaged)?;
            Ok(Some(authority))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Unusable::KeyAlone),
        (None, Some(_)) => Err(Unusable::CertificateAlone),
    }
}

/// The result of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// It is done.
    Done,
    /// Another server wrote first.
    Raced,
}

/// What is due.
#[derive(Debug)]
pub enum Due {
    /// Use this authority, which another server created, renewed or replaced.
    Adopt(Authority),
    /// Nothing: what is held is what is kept.
    Keep(Arc<Authority>),
    /// Create an authority, because there is none.
    Make,
    /// To add a certificate under the same key to this.
    Renew(Authority),
    /// To write this back to where it was lost.
    Restore(Arc<Authority>),
}

/// Returns what is due at `now` for a server that holds `held` and has read `found`.
///
/// The stored authority wins. An authority is never created if one is held or found, because pods
/// trust it for their whole life.
pub fn due(held: Option<&Arc<Authority>>, found: Option<Authority>, now: SystemTime) -> Due {
    match (held, found) {
        (None, None) => Due::Make,
        (Some(held), None) => Due::Restore(Arc::clone(held)),
        (Some(held), Some(found)) if **held == found => {
            if found.validity().renew_at() <= now {
                Due::Renew(found)
            } else {
                Due::Keep(Arc::clone(held))
            }
        }
        (_, Some(found)) => Due::Adopt(found),
    }
}

/// The authority that is held, and where it is kept.
#[derive(Debug)]
pub struct Custody<K> {
    keeper: K,
    held: Option<Arc<Authority>>,
}

impl<K: Keeper> Custody<K> {
    /// Starts with nothing held.
    pub fn new(keeper: K) -> Self {
        Self { keeper, held: None }
    }

    /// Returns the authority that is held; `None` before the first look that succeeded.
    pub fn held(&self) -> Option<&Arc<Authority>> {
        self.held.as_ref()
    }

    /// Looks at what is kept, does what is due, and returns the authority that is held then.
    ///
    /// Only what was read is ever held: what one has written oneself is read back.
    pub async fn look(
        &mut self,
        now: SystemTime,
    ) -> Result<Arc<Authority>, CustodyError<K::Error>> {
        for _ in 0..STEPS {
            let found = self.keeper.read().await.map_err(CustodyError::Keeper)?;
            match due(self.held.as_ref(), found.authority, now) {
                Due::Adopt(authority) => self.held = Some(Arc::new(authority)),
                Due::Keep(held) => return Ok(held),
                Due::Make => {
                    let made = Authority::generate(now)?;
                    self.write(&made, found.version).await?;
                }
                Due::Renew(mut authority) => {
                    authority.renew(now)?;
                    self.write(&authority, found.version).await?;
                }
                Due::Restore(held) => self.write(&held, found.version).await?,
            }
        }
        Err(CustodyError::Contended)
    }

    async fn write(
        &self,
        authority: &Authority,
        version: K::Version,
    ) -> Result<(), CustodyError<K::Error>> {
        let written = self.keeper.write(authority, version).await;
        // Done or raced: what holds is what is read next.
        written.map(|_| ()).map_err(CustodyError::Keeper)
    }
}

/// Why there is no authority, or none that is known to be kept.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError<E: Error + 'static> {
    /// No authority could be made or renewed.
    #[error("failed to make a certificate for the authority")]
    Certificate(#[from] CertificateError),
    /// Others wrote each time.
    #[error("the certificate authority kept being changed by others")]
    Contended,
    /// What is kept cannot be read or written.
    #[error(transparent)]
    Keeper(E),
}

/// The steps of one look: to adopt, to renew and to adopt that, with some room for losing races.
const STEPS: usize = 8;

#[cfg(test)]
mod tests;
