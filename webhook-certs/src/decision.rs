//! The decision: what is seen in, one action out.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::pki_types::ServerName;

use crate::{
    authority::Authority,
    certificate::AuthorityCertificate,
    credentials::Credentials,
    custody::Served,
    key::AuthorityKey,
    profile::Profile,
    stored::Stored,
    trust::{Entry, Published, TrustBundle, Wanted},
};

/// What this server may write.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Right {
    /// Nothing: it adopts what is stored, and serves under it once that is published.
    Read,
    /// The bundles that clients verify with.
    Publish,
    /// The authority too.
    Write,
}

/// All that a decision depends on.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The time of day.
    pub now: SystemTime,
    /// What is written into certificates.
    pub profile: &'a Profile,
    /// The names by which clients verify this server.
    pub names: &'a [ServerName<'static>],
    /// What is found where the authority is kept.
    pub stored: &'a Stored,
    /// What this server holds in memory.
    pub held: Option<&'a Credentials>,
    /// What clients are told, as far as that is known last.
    pub published: &'a Published,
    /// Since when they are told what.
    pub trust: &'a TrustBundle,
    /// What is served.
    pub served: Option<&'a Served>,
    /// What may be done about it.
    pub may: Permissions,
}

/// What may be done. Whatever has failed may not be tried again at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Permissions {
    /// To write the authority.
    pub store: bool,
    /// To write the bundles.
    pub publish: bool,
    /// To serve another certificate.
    pub serve: bool,
}

impl From<Right> for Permissions {
    fn from(right: Right) -> Self {
        Self {
            store: right >= Right::Write,
            publish: right >= Right::Publish,
            serve: true,
        }
    }
}

/// The one thing to do.
#[derive(Debug)]
pub enum Action {
    /// Hold this, which somebody stored.
    Adopt(Credentials),
    /// Store an authority with this key, whose certificates are lost.
    Certify(Arc<AuthorityKey>),
    /// Store a new authority, because there is none.
    Create,
    /// Publish this to each entry of ours.
    Publish(Wanted),
    /// Store this authority with another certificate under the same key.
    Renew(Arc<Authority>),
    /// Store this authority again, which is held and was lost.
    Restore(Arc<Authority>),
    /// Serve a certificate from this.
    Serve(Credentials),
    /// Nothing, until then or until something changes.
    Wait {
        /// When to look again at the latest.
        until: SystemTime,
        /// What is not as it should be, and cannot be put right here and now.
        lack: Option<Lack>,
    },
}

/// What is not as it should be, and is not for this server to put right.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Lack {
    /// Others wrote each time.
    #[error("others kept changing the certificate authority or the bundle")]
    Contended,
    /// The authority has expired.
    #[error("the certificate authority has expired, and the server that may write renews it")]
    Expired,
    /// There is no authority.
    #[error("no certificate authority is stored yet, and the server that may write creates it")]
    Missing,
    /// The clock is wrong, or was when the authority was made.
    #[error("the certificate authority is not valid yet: compare this machine's clock with others")]
    NotYetValid,
    /// Clients do not trust what is held.
    #[error(
        "the bundle that clients verify with lacks the newest certificate of the certificate authority"
    )]
    NotPublished,
    /// Clients may be told anything.
    #[error("it is not known which certificates clients trust")]
    PublishedUnknown,
    /// The authority cannot be read.
    #[error("the certificate authority could not be read yet")]
    Unread,
    /// Something else is kept in the place of the authority.
    #[error("{reason}")]
    Unusable {
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

/// Decides what to do next: once that is done, or has failed, decide again.
///
/// - What is stored wins over what is held. An authority is never created if one is held or found:
///   clients trust it for their whole life.
/// - What is held is published before anything is served under it.
/// - A renewal keeps the key, and the former certificate as long as that is valid.
pub fn decide(situation: &Situation<'_>) -> Action {
    let about_leaf = || situation.about_leaf();
    situation
        .about_stored()
        .or_else(|| situation.about_published())
        .or_else(about_leaf)
        .unwrap_or_else(|| situation.wait())
}

impl Situation<'_> {
    fn about_stored(&self) -> Option<Action> {
        match (self.stored, self.held) {
            (Stored::Credentials(found), held) if held != Some(found) => {
                return Some(Action::Adopt(found.clone()));
            }
            _ if !self.may.store => return None,
            _ => {}
        }
        match (self.stored, self.held) {
            (Stored::Credentials(Credentials::Authority(found)), _) => {
                let renew = self.renewal(found) <= self.now;
                renew.then(|| Action::Renew(Arc::clone(found)))
            }
            (Stored::Nothing, None) => Some(Action::Create),
            (Stored::Nothing | Stored::Unusable(_), Some(Credentials::Authority(held))) => {
                Some(Action::Restore(Arc::clone(held)))
            }
            (Stored::Unusable(unusable), None) => unusable.key.clone().map(Action::Certify),
            _ => None,
        }
    }

    fn about_published(&self) -> Option<Action> {
        let (Published::At(entries), true) = (self.published, self.may.publish) else {
            return None;
        };
        let wanted = self.trust.wanted(self.trusted()?, self.now);
        let is_wrong = |entry: &Entry| entry.is_ours && !wanted.is(&entry.bundle);
        entries
            .iter()
            .any(is_wrong)
            .then_some(Action::Publish(wanted))
    }

    /// Returns what clients should trust: what is held, and what is still served.
    fn trusted(&self) -> Option<Vec<AuthorityCertificate>> {
        let held = self.held?.trusted();
        let served = self.served.map(|served| served.credentials.trusted());
        let mut trusted = served.unwrap_or_default();
        trusted.retain(|it| !held.contains(it) && it.validity().contains(self.now));
        trusted.extend(held);
        Some(trusted)
    }

    fn about_leaf(&self) -> Option<Action> {
        let source = self.source().filter(|_| self.may.serve)?;
        let is_served = |served: &&Served| served.credentials == *source;
        let served = self.served.filter(is_served);
        let goes_on = served.is_some_and(|it| !self.is_due(it));
        (!goes_on).then(|| Action::Serve(source.clone()))
    }

    /// Returns what a certificate may come from: what is held, once clients trust it, or what the
    /// certificate that is served came from.
    fn source(&self) -> Option<&Credentials> {
        let served = self.served.map(|served| &served.credentials);
        let mut sources = self.held.into_iter().chain(served);
        sources.find(|it| it.validity().contains(self.now) && self.is_published(it))
    }

    fn is_published(&self, credentials: &Credentials) -> bool {
        let client = (self.names, self.now);
        match self.published {
            Published::At(entries) => entries
                .iter()
                .all(|entry| credentials.is_trusted(&entry.certificates(), client)),
            Published::Unknown => false,
            Published::WithTheAuthority => true,
        }
    }

    /// Returns whether another certificate should be served, be it that the clock was set back, and
    /// would last longer.
    fn is_due(&self, served: &Served) -> bool {
        let validity = served.validity;
        if self.now < validity.not_before {
            return true;
        }
        let another = served.credentials.leaf_ends(self.profile, self.now);
        self.leaf_renewal(served) <= self.now && validity.not_after < another
    }

    fn renewal(&self, authority: &Authority) -> SystemTime {
        let lifetime = self.profile.authority_validity;
        authority.validity().renew_at(lifetime)
    }

    fn leaf_renewal(&self, served: &Served) -> SystemTime {
        served.validity.renew_at(self.profile.leaf_validity)
    }

    fn wait(&self) -> Action {
        let authority = match self.held {
            Some(Credentials::Authority(authority)) => Some(self.renewal(authority)),
            _ => None,
        };
        let leaf = self.served.map(|served| self.leaf_renewal(served));
        let times = authority.into_iter().chain(leaf);
        let times = times.filter(|time| self.now < *time);
        let until = times.chain(self.trust.ends(self.now)).min();
        let latest = self.now + LONGEST_WAIT;
        Action::Wait {
            until: until.unwrap_or(latest).min(latest),
            lack: self.lack(),
        }
    }

    fn lack(&self) -> Option<Lack> {
        if let Stored::Unusable(unusable) = self.stored {
            let reason = unusable.to_string();
            return Some(Lack::Unusable { reason });
        }
        let Some(held) = self.held else {
            return Some(match self.stored {
                Stored::Nothing => Lack::Missing,
                _ => Lack::Unread,
            });
        };
        if held.validity().not_after < self.now {
            Some(Lack::Expired)
        } else if self.now < held.validity().not_before {
            Some(Lack::NotYetValid)
        } else if *self.published == Published::Unknown {
            Some(Lack::PublishedUnknown)
        } else {
            (!self.is_published(held)).then_some(Lack::NotPublished)
        }
    }
}

/// The longest time without a look: so a machine that was suspended notices the time of day, and
/// nothing depends on being told of changes.
pub const LONGEST_WAIT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
