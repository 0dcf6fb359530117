use super::*;
use crate::authority::Authority;

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
}

fn mk_authority() -> Authority {
    Authority::generate(start()).unwrap()
}

fn mk_published(bundle: &str) -> Published {
    Published::At(vec![Entry {
        bundle: bundle.to_owned(),
        is_ours: true,
    }])
}

fn wanted(trust: &TrustBundle, authority: &Authority, now: SystemTime) -> Wanted {
    trust.wanted(authority.certificates().cloned().collect(), now)
}

/// Sees a bundle, and returns what it should be, this many minutes after the start.
fn settle(trust: &mut TrustBundle, found: &str, (authority, after): (&Authority, u64)) -> String {
    let now = start() + Duration::from_mins(after);
    trust.see(&mk_published(found), (&[], now));
    wanted(trust, authority, now).to_pem()
}

#[test]
fn an_empty_or_damaged_bundle_is_replaced() {
    let authority = mk_authority();
    let mut trust = TrustBundle::default();
    for found in ["", "damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        let settled = settle(&mut trust, found, (&authority, 0));
        assert_eq!(settled, authority.bundle_pem(), "{found}");
    }
}

#[test]
fn a_former_authority_is_trusted_until_everybody_has_noticed() {
    let [former, authority] = [mk_authority(), mk_authority()];
    let both = former.bundle_pem() + &authority.bundle_pem();
    let mut trust = TrustBundle::default();
    let settled = settle(&mut trust, &former.bundle_pem(), (&authority, 0));
    assert_eq!(settled, both);
    assert_eq!(settle(&mut trust, &both, (&authority, 9)), both);
    let settled = settle(&mut trust, &both, (&authority, 10));
    assert_eq!(settled, authority.bundle_pem());
}

/// The time that others have begins when the authority is replaced, not when its certificate was first
/// seen.
#[test]
fn a_former_authority_is_trusted_for_as_long_however_old_it_is() {
    let [former, authority] = [mk_authority(), mk_authority()];
    let both = former.bundle_pem() + &authority.bundle_pem();
    let mut trust = TrustBundle::default();
    let later = |minutes| start() + Duration::from_hours(24) + Duration::from_mins(minutes);
    for now in [start(), later(0)] {
        let ours: Vec<_> = former.certificates().cloned().collect();
        trust.see(&mk_published(&former.bundle_pem()), (&ours, now));
    }
    for (minutes, expected) in [(9, &both), (10, &authority.bundle_pem())] {
        trust.see(&mk_published(&both), (&[], later(minutes)));
        let wanted = wanted(&trust, &authority, later(minutes));
        assert_eq!(wanted.to_pem(), *expected, "{minutes}");
    }
}

#[test]
fn who_has_not_noticed_yet_takes_nothing_away() {
    let [former, authority] = [mk_authority(), mk_authority()];
    let both = former.bundle_pem() + &authority.bundle_pem();
    let mut trust = TrustBundle::default();
    trust.see(&mk_published(&both), (&[], start()));
    let wanted = wanted(&trust, &former, start());
    assert!(wanted.is(&both));
    assert!(!wanted.is(&former.bundle_pem()));
}

#[test]
fn a_stranger_that_went_and_came_back_is_tolerated_anew() {
    let [stranger, authority] = [mk_authority(), mk_authority()];
    let both = stranger.bundle_pem() + &authority.bundle_pem();
    let mut trust = TrustBundle::default();
    settle(&mut trust, &both, (&authority, 0));
    settle(&mut trust, &authority.bundle_pem(), (&authority, 20));
    let settled = settle(&mut trust, &both, (&authority, 30));
    assert!(Wanted(certificates(&both)).is(&settled));
}

#[test]
fn a_stranger_that_has_ended_is_dropped() {
    let [stranger, authority] = [mk_authority(), mk_authority()];
    let late = start() + Duration::from_hours(3651 * 24);
    let authority = authority.renewed(&crate::Profile::default(), late).unwrap();
    let mut trust = TrustBundle::default();
    trust.see(&mk_published(&stranger.bundle_pem()), (&[], late));
    let wanted = wanted(&trust, &authority, late);
    assert_eq!(wanted.to_pem(), authority.bundle_pem());
}

#[test]
fn what_others_write_is_no_reason_to_publish_it() {
    let [stranger, authority] = [mk_authority(), mk_authority()];
    let mut trust = TrustBundle::default();
    let theirs = Published::At(vec![Entry {
        bundle: stranger.bundle_pem(),
        is_ours: false,
    }]);
    trust.see(&theirs, (&[], start()));
    let wanted = wanted(&trust, &authority, start());
    assert_eq!(wanted.to_pem(), authority.bundle_pem());
}

#[test]
fn the_end_of_a_stranger_is_a_time_to_look() {
    let mut trust = TrustBundle::default();
    trust.see(&mk_published(&mk_authority().bundle_pem()), (&[], start()));
    let after = |minutes| start() + Duration::from_mins(minutes);
    assert_eq!(trust.ends(after(9)).next(), Some(after(10)));
    assert_eq!(trust.ends(after(10)).next(), None);
}
