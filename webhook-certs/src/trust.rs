//! The certificates that clients trust, written by several servers.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use crate::{authority::Authority, certificate::AuthorityCertificate};

/// The bundle that clients verify servers with.
///
/// It holds the authority's certificates, and for a while what else is found in it: where the
/// authority was replaced, other servers may still serve under the former one.
#[derive(Debug, Default)]
pub struct TrustBundle {
    /// Certificates that are not the authority's, by their DER, and since when they are seen.
    strangers: BTreeMap<Vec<u8>, SystemTime>,
}

impl TrustBundle {
    /// Returns what all of `found` should hold at `now`: texts of PEM, of which some may be empty
    /// or damaged.
    pub fn settle<'a>(
        &mut self,
        found: impl Iterator<Item = &'a str>,
        authority: &Authority,
        now: SystemTime,
    ) -> Wanted {
        let ours: Vec<_> = authority.certificates().cloned().collect();
        let before = std::mem::take(&mut self.strangers);
        let mut wanted = Vec::new();
        for stranger in found.flat_map(certificates) {
            let der = stranger.der().to_vec();
            if ours.contains(&stranger) || self.strangers.contains_key(&der) {
                continue;
            }
            let since = before.get(&der).copied().unwrap_or(now);
            self.strangers.insert(der, since);
            let tolerated = now.duration_since(since).unwrap_or_default() < OVERLAP;
            if tolerated && stranger.validity().contains(now) {
                wanted.push(stranger);
            }
        }
        wanted.extend(ours);
        Wanted(wanted)
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
mod tests {
    use super::*;

    fn start() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
    }

    fn mk_authority() -> Authority {
        Authority::generate(start()).unwrap()
    }

    fn settle(bundle: &mut TrustBundle, found: &str, authority: &Authority, after: u64) -> String {
        let now = start() + Duration::from_mins(after);
        bundle.settle([found].into_iter(), authority, now).to_pem()
    }

    #[test]
    fn an_empty_or_damaged_bundle_is_replaced() {
        let authority = mk_authority();
        let mut bundle = TrustBundle::default();
        for found in ["", "damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            let settled = settle(&mut bundle, found, &authority, 0);
            assert_eq!(settled, authority.bundle_pem(), "{found}");
        }
    }

    #[test]
    fn a_former_authority_is_trusted_until_everybody_has_noticed() {
        let [former, authority] = [mk_authority(), mk_authority()];
        let both = former.bundle_pem() + &authority.bundle_pem();
        let mut bundle = TrustBundle::default();
        let settled = settle(&mut bundle, &former.bundle_pem(), &authority, 0);
        assert_eq!(settled, both);
        assert_eq!(settle(&mut bundle, &both, &authority, 9), both);
        let settled = settle(&mut bundle, &both, &authority, 10);
        assert_eq!(settled, authority.bundle_pem());
    }

    #[test]
    fn who_has_not_noticed_yet_takes_nothing_away() {
        let [former, authority] = [mk_authority(), mk_authority()];
        let both = former.bundle_pem() + &authority.bundle_pem();
        let mut bundle = TrustBundle::default();
        let wanted = bundle.settle([&*both].into_iter(), &former, start());
        assert!(wanted.is(&both));
        assert!(!wanted.is(&former.bundle_pem()));
    }

    #[test]
    fn a_renewal_is_in_the_bundle_at_once() {
        let mut authority = mk_authority();
        let old = authority.bundle_pem();
        authority.renew(start() + Duration::from_mins(1)).unwrap();
        let mut bundle = TrustBundle::default();
        let settled = settle(&mut bundle, &old, &authority, 1);
        assert_eq!(settled, authority.bundle_pem());
    }

    #[test]
    fn a_stranger_that_went_and_came_back_is_tolerated_anew() {
        let [stranger, authority] = [mk_authority(), mk_authority()];
        let both = stranger.bundle_pem() + &authority.bundle_pem();
        let mut bundle = TrustBundle::default();
        settle(&mut bundle, &both, &authority, 0);
        settle(&mut bundle, &authority.bundle_pem(), &authority, 20);
        assert_eq!(settle(&mut bundle, &both, &authority, 30), both);
    }

    #[test]
    fn a_stranger_that_has_ended_is_dropped() {
        let [stranger, mut authority] = [mk_authority(), mk_authority()];
        let ten_years = start() + Duration::from_hours(3651 * 24);
        authority.renew(ten_years).unwrap();
        let mut bundle = TrustBundle::default();
        let wanted = bundle.settle([&*stranger.bundle_pem()].into_iter(), &authority, ten_years);
        assert_eq!(wanted.to_pem(), authority.bundle_pem());
    }
}
