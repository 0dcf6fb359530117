//! The certificates that clients trust, written by several servers.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use crate::certificate::AuthorityCertificate;

/// What clients are told to trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Published {
    /// All of these: each client reads one of them.
    At(Vec<Entry>),
    /// That is not known. Nothing is served then.
    Unknown,
    /// The certificates that are kept with the authority: clients read them there.
    WithTheAuthority,
}

/// One bundle that clients verify with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Certificates in PEM; may be empty or damaged.
    pub bundle: String,
    /// Whether it is ours to write.
    pub is_ours: bool,
}

impl Entry {
    /// Returns the certificates that a client finds in it.
    pub(crate) fn certificates(&self) -> Vec<AuthorityCertificate> {
        certificates(&self.bundle)
    }
}

/// The memory of which certificates were seen in bundles, and since when they are not ours.
///
/// A bundle should hold the authority's certificates, and for a while what else is found in it:
/// where an authority was replaced, other servers may still serve under the former one.
#[derive(Debug, Default)]
pub struct TrustBundle {
    /// By their DER.
    seen: BTreeMap<Vec<u8>, (AuthorityCertificate, SystemTime)>,
}

impl TrustBundle {
    /// Takes note of what clients are told `now`. The certificates of `ours` are no strangers yet:
    /// what is held, and what is served.
    pub fn see(
        &mut self,
        published: &Published,
        (ours, now): (&[AuthorityCertificate], SystemTime),
    ) {
        let Published::At(entries) = published else {
            return;
        };
        let before = std::mem::take(&mut self.seen);
        let entries = entries.iter().filter(|entry| entry.is_ours);
        for certificate in entries.flat_map(Entry::certificates) {
            let der = certificate.der().to_vec();
            let since = before.get(&der).filter(|_| !ours.contains(&certificate));
            let since = since.map_or(now, |(_, since)| *since);
            self.seen.insert(der, (certificate, since));
        }
    }

    /// Returns what each entry of ours should hold at `now`, beside `trusted`.
    pub fn wanted(&self, trusted: Vec<AuthorityCertificate>, now: SystemTime) -> Wanted {
        let strangers = self.seen.values().filter(|(certificate, since)| {
            !trusted.contains(certificate)
                && now.duration_since(*since).unwrap_or_default() < OVERLAP
                && certificate.validity().contains(now)
        });
        let mut wanted: Vec<_> = strangers.map(|(it, _)| it.clone()).collect();
        wanted.extend(trusted);
        Wanted(wanted)
    }

    /// Returns when something is to be taken out of the bundles, as far as that is in the future.
    pub(crate) fn ends(&self, now: SystemTime) -> impl Iterator<Item = SystemTime> {
        let ends = self.seen.values().map(|(_, since)| *since + OVERLAP);
        ends.filter(move |end| now < *end)
    }
}

/// The certificates that a bundle should hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted(Vec<AuthorityCertificate>);

impl Wanted {
    /// Returns whether `found` holds these and no others, in whatever order.
    pub fn is(&self, found: &str) -> bool {
        let found = certificates(found);
        found.len() == self.0.len() && self.0.iter().all(|wanted| found.contains(wanted))
    }

    /// Returns the certificates in PEM.
    pub fn to_pem(&self) -> String {
        self.0.iter().map(AuthorityCertificate::to_pem).collect()
    }
}

fn certificates(pem: &str) -> Vec<AuthorityCertificate> {
    AuthorityCertificate::all_from_pem(pem).unwrap_or_default()
}

/// How long the servers that share an authority may take to notice that it was replaced.
const OVERLAP: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests;
