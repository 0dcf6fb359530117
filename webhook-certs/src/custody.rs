//! Looks, decides and acts until nothing is due.

use std::{convert::Infallible, error::Error, sync::Arc, time::SystemTime};

use rustls::{
    pki_types::{CertificateDer, ServerName},
    sign::CertifiedKey,
};

use crate::{
    authority::Authority,
    certificate::AuthorityCertificate,
    credentials::Credentials,
    decision::{Action, Lack, Permissions, Right, Situation, decide},
    error::CertificateError,
    profile::Profile,
    stored::{Stored, Unusable},
    trust::{Published, TrustBundle, Wanted},
    validity::Validity,
    verify::verify,
};

/// The place in which an authority is kept.
///
/// A write replaces only the version that was read. If several servers write at the same time, one
/// wins and the others read again.
pub trait Keeper {
    /// What a read found, as a write has to name it.
    type Version: Send;
    /// Why a read or a write fails.
    type Error: Error + Send + Sync + 'static;

    /// Reads what is kept.
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
    /// What it is.
    pub stored: Stored,
    /// Which state of the place this is.
    pub version: V,
}

/// The place in which clients find the bundle that they verify with.
pub trait Publisher {
    /// What a read found, as a write has to name it.
    type Version: Send;
    /// Why a read or a write fails.
    type Error: Error + Send + Sync + 'static;

    /// Reads what clients find.
    fn read(&self) -> impl Future<Output = Result<Found<Self::Version>, Self::Error>> + Send;

    /// Writes `bundle` to each entry of ours that holds something else, in the place of what was
    /// read as `version`.
    fn write(
        &self,
        bundle: &Wanted,
        version: Self::Version,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;
}

/// What clients find.
#[derive(Debug)]
pub struct Found<V> {
    /// What they are told to trust.
    pub published: Published,
    /// Which state of the place this is.
    pub version: V,
}

/// Nothing to publish: clients read the bundle where the authority is kept.
#[derive(Clone, Copy, Debug)]
pub struct Unpublished;

impl Publisher for Unpublished {
    type Version = ();
    type Error = Infallible;

    async fn read(&self) -> Result<Found<()>, Infallible> {
        Ok(Found {
            published: Published::WithTheAuthority,
            version: (),
        })
    }

    async fn write(&self, _: &Wanted, (): ()) -> Result<Written, Infallible> {
        Ok(Written::Done)
    }
}

/// The result of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// It is done.
    Done,
    /// Another server wrote first, or this one may not write any more.
    Raced,
}

/// A certificate that is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// What it comes from.
    pub credentials: Credentials,
    /// From when to when it is valid.
    pub validity: Validity,
    /// What a server signs its handshakes with.
    pub key: Arc<CertifiedKey>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Credentials that somebody stored are held now.
    Adopted,
    /// Certificates were made for a key that had lost its own.
    Certified,
    /// An authority was created.
    Created,
    /// The bundles were written.
    Published,
    /// A certificate was added under the same key.
    Renewed,
    /// Credentials that somebody stored are held now, and clients that trust only the former ones
    /// refuse what comes from them.
    Replaced,
    /// An authority was written back.
    Restored,
    /// Another certificate is served.
    Served,
}

/// How it is once nothing can be done any more.
#[derive(Debug)]
pub struct Settled<K, P> {
    /// What was done, in this order.
    pub events: Vec<Event>,
    /// Why the authority could not be read or written.
    pub stored: Result<(), K>,
    /// Why the bundles could not be read or written.
    pub published: Result<(), P>,
    /// Why no other certificate could be made.
    pub served: Result<(), CertificateError>,
    /// What is not as it should be.
    pub lack: Option<Lack>,
    /// When to look again at the latest, by the time of day.
    pub until: SystemTime,
}

/// Holds an authority, or certificates that somebody else issues, and what is served under it.
#[derive(Debug)]
pub struct Custody {
    profile: Profile,
    names: Vec<ServerName<'static>>,
    held: Option<Credentials>,
    served: Option<Served>,
    published: Published,
    trust: TrustBundle,
}

impl Custody {
    /// Starts with nothing held. The names are those by which clients verify the server.
    pub fn new(profile: Profile, names: Vec<ServerName<'static>>) -> Self {
        Self {
            profile,
            names,
            held: None,
            served: None,
            published: Published::Unknown,
            trust: TrustBundle::default(),
        }
    }

    /// Returns what is held; `None` before something was found.
    pub fn held(&self) -> Option<&Credentials> {
        self.held.as_ref()
    }

    /// Returns what is to be served; `None` before clients can verify it.
    pub fn served(&self) -> Option<&Served> {
        self.served.as_ref()
    }

    /// Returns what clients are told, as far as that is known last.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// Returns the names by which clients verify the server.
    pub fn names(&self) -> &[ServerName<'static>] {
        &self.names
    }

    /// Looks, decides and acts until nothing is due or nothing more can be done.
    ///
    /// What fails does not hinder the rest: what is served is renewed while nothing can be read, as
    /// far as clients trust it by all that is known. What was written is read back before it is used.
    pub async fn settle<K: Keeper, P: Publisher>(
        &mut self,
        (keeper, publisher): (&K, &P),
        now: SystemTime,
        right: Right,
    ) -> Settled<K::Error, P::Error> {
        let mut round = Round {
            keeper,
            publisher,
            now,
            may: right.into(),
            settled: Settled {
                events: Vec::new(),
                stored: Ok(()),
                published: Ok(()),
                served: Ok(()),
                lack: Some(Lack::Contended),
                until: now,
            },
        };
        for _ in 0..STEPS {
            if self.step(&mut round).await {
                break;
            }
        }
        round.settled
    }

    /// Does one thing; returns whether nothing is left to be done.
    async fn step<K: Keeper, P: Publisher>(&mut self, round: &mut Round<'_, K, P>) -> bool {
        let (stored, kept) = round.stored().await;
        let stored = self.checked(stored, round.now);
        let found = round.published().await;
        if let Some(published) = found.published {
            self.trust.see(&published, (&self.ours(), round.now));
            self.published = published;
        }
        match decide(&self.situation(&stored, round)) {
            Action::Adopt(credentials) => {
                let client = (&*self.names, round.now);
                let former = self.held.as_ref();
                let replaces = former.is_some_and(|former| credentials.replaces(former, client));
                let event = if replaces {
                    Event::Replaced
                } else {
                    Event::Adopted
                };
                self.held = Some(credentials);
                round.settled.events.push(event);
            }
            Action::Certify(key) => {
                let authority = Authority::certify(key, &self.profile, round.now);
                round.store(authority, (kept, Event::Certified)).await;
            }
            Action::Create => {
                let authority = Authority::create(&self.profile, round.now);
                round.store(authority, (kept, Event::Created)).await;
            }
            Action::Renew(authority) => {
                let authority = authority.renewed(&self.profile, round.now);
                round.store(authority, (kept, Event::Renewed)).await;
            }
            Action::Restore(held) => {
                round.store(Ok(held), (kept, Event::Restored)).await;
            }
            Action::Publish(wanted) => round.publish(&wanted, found.version).await,
            Action::Serve(credentials) => {
                let served = self.serve(credentials, round.now);
                self.served = round.note_served(served).or(self.served.take());
            }
            Action::Wait { until, lack } => {
                round.settled.until = until;
                round.settled.lack = lack;
                return true;
            }
        }
        false
    }

    fn situation<'a, K: Keeper, P: Publisher>(
        &'a self,
        stored: &'a Stored,
        round: &Round<'_, K, P>,
    ) -> Situation<'a> {
        Situation {
            now: round.now,
            profile: &self.profile,
            names: &self.names,
            stored,
            held: self.held.as_ref(),
            published: &self.published,
            trust: &self.trust,
            served: self.served.as_ref(),
            may: round.may,
        }
    }

    /// Returns the certificates that clients verify us with: those of what is held, and of what is served.
    fn ours(&self) -> Vec<AuthorityCertificate> {
        let served = self.served.iter().map(|served| &served.credentials);
        let ours = self.held.iter().chain(served);
        ours.flat_map(Credentials::trusted).collect()
    }

    /// Refuses an authority that would be adopted and issues nothing that clients verify.
    fn checked(&self, stored: Stored, now: SystemTime) -> Stored {
        let Stored::Credentials(Credentials::Authority(found)) = &stored else {
            return stored;
        };
        let is_known = match &self.held {
            Some(Credentials::Authority(held)) => **held == **found,
            _ => false,
        };
        if is_known {
            return stored;
        }
        match found.check(&self.profile, (&self.names, now)) {
            Ok(()) => stored,
            Err(error) => Stored::Unusable(Unusable::from(error)),
        }
    }

    /// Makes a certificate to serve, and verifies it like each client.
    fn serve(&self, credentials: Credentials, now: SystemTime) -> Result<Served, CertificateError> {
        let leaf = credentials.leaf(&self.profile, (&self.names, now))?;
        self.verify(leaf.chain(), (&credentials, now))?;
        let provider = rustls::crypto::ring::default_provider();
        Ok(Served {
            validity: leaf.validity(),
            key: Arc::new(leaf.into_certified_key(&provider)?),
            credentials,
        })
    }

    fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        (credentials, now): (&Credentials, SystemTime),
    ) -> Result<(), CertificateError> {
        let client = (&*self.names, now);
        match &self.published {
            Published::At(entries) => entries
                .iter()
                .try_for_each(|entry| verify(chain, &entry.certificates(), client)),
            Published::Unknown | Published::WithTheAuthority => {
                verify(chain, &credentials.trusted(), client)
            }
        }
    }
}

/// One round, and what came of it so far.
struct Round<'a, K: Keeper, P: Publisher> {
    keeper: &'a K,
    publisher: &'a P,
    now: SystemTime,
    may: Permissions,
    settled: Settled<K::Error, P::Error>,
}

/// What clients find; `None` if that cannot be read.
struct Seen<V> {
    published: Option<Published>,
    version: Option<V>,
}

impl<K: Keeper, P: Publisher> Round<'_, K, P> {
    /// Reads what is stored, unless that has failed in this round.
    async fn stored(&mut self) -> (Stored, Option<K::Version>) {
        if self.settled.stored.is_err() {
            return (Stored::Unknown, None);
        }
        match self.keeper.read().await {
            Ok(Kept { stored, version }) => (stored, Some(version)),
            Err(error) => {
                self.settled.stored = Err(error);
                (Stored::Unknown, None)
            }
        }
    }

    /// Reads what clients find, unless that has failed in this round.
    async fn published(&mut self) -> Seen<P::Version> {
        let mut seen = Seen {
            published: None,
            version: None,
        };
        if self.settled.published.is_err() {
            return seen;
        }
        match self.publisher.read().await {
            Ok(Found { published, version }) => {
                seen.published = Some(published);
                seen.version = Some(version);
            }
            Err(error) => self.settled.published = Err(error),
        }
        seen
    }

    /// Writes an authority in the place of what was read.
    async fn store(
        &mut self,
        authority: Result<impl Into<Arc<Authority>>, CertificateError>,
        (version, event): (Option<K::Version>, Event),
    ) {
        // What has failed is not tried again in this round.
        let (authority, version) = match (authority, version) {
            (Ok(authority), Some(version)) => (authority.into(), version),
            (authority, _) => {
                self.may.store = false;
                self.settled.served = authority.map(|_| ());
                return;
            }
        };
        match self.keeper.write(&authority, version).await {
            Ok(Written::Done) => self.settled.events.push(event),
            Ok(Written::Raced) => {}
            Err(error) => self.settled.stored = Err(error),
        }
    }

    async fn publish(&mut self, wanted: &Wanted, version: Option<P::Version>) {
        // What has failed is not tried again in this round.
        let Some(version) = version else {
            self.may.publish = false;
            return;
        };
        match self.publisher.write(wanted, version).await {
            Ok(Written::Done) => self.settled.events.push(Event::Published),
            Ok(Written::Raced) => {}
            Err(error) => self.settled.published = Err(error),
        }
    }

    fn note_served(&mut self, served: Result<Served, CertificateError>) -> Option<Served> {
        match served {
            Ok(served) => {
                self.settled.events.push(Event::Served);
                Some(served)
            }
            Err(error) => {
                self.may.serve = false;
                self.settled.served = Err(error);
                None
            }
        }
    }
}

/// The steps of one round: to create, adopt, renew, adopt, publish and serve, with some room for
/// losing races.
const STEPS: usize = 16;

#[cfg(test)]
mod tests;
