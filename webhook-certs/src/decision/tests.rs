use super::*;
use crate::{Authority, AuthorityCertificate, Given, given::GivenPem, stored::Unusable};

const DAY: Duration = Duration::from_hours(24);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
}

fn names() -> Vec<ServerName<'static>> {
    vec!["webhook.example.svc".try_into().unwrap()]
}

fn mk_authority() -> Credentials {
    Credentials::Authority(Arc::new(Authority::generate(start()).unwrap()))
}

fn mk_given(authority: &Authority) -> Credentials {
    let leaf = authority.issue(&names(), start()).unwrap();
    let certificate = AuthorityCertificate::from_der(leaf.certificate().clone()).unwrap();
    let pem = GivenPem {
        certificate: &certificate.to_pem(),
        key: &leaf.key_pem(),
        authority: &authority.bundle_pem(),
    };
    Credentials::Given(Arc::new(Given::from_pem(pem, (&names(), start())).unwrap()))
}

fn mk_served(credentials: &Credentials, now: SystemTime) -> Served {
    let leaf = credentials
        .leaf(&Profile::default(), (&names(), now))
        .unwrap();
    let provider = rustls::crypto::ring::default_provider();
    Served {
        credentials: credentials.clone(),
        validity: leaf.validity(),
        key: Arc::new(leaf.into_certified_key(&provider).unwrap()),
    }
}

/// A situation in which all is well; each test changes one thing.
struct Scene {
    now: SystemTime,
    stored: Stored,
    held: Option<Credentials>,
    published: Published,
    served: Option<Served>,
    may: Permissions,
}

impl Scene {
    fn of(credentials: &Credentials) -> Self {
        Self {
            now: start(),
            stored: Stored::Credentials(credentials.clone()),
            held: Some(credentials.clone()),
            published: mk_published(&[credentials]),
            served: Some(mk_served(credentials, start())),
            may: Right::Write.into(),
        }
    }

    fn decide(&self) -> Action {
        let mut trust = TrustBundle::default();
        trust.see(&self.published, (&[], start()));
        decide(&Situation {
            now: self.now,
            profile: &Profile::default(),
            names: &names(),
            stored: &self.stored,
            held: self.held.as_ref(),
            published: &self.published,
            trust: &trust,
            served: self.served.as_ref(),
            may: self.may,
        })
    }

    /// Returns the action of a server that may write, and what one lacks that may only read.
    fn decide_both(&mut self) -> (Action, Option<Lack>) {
        let action = self.decide();
        self.may = Right::Read.into();
        match self.decide() {
            Action::Wait { lack, .. } => (action, lack),
            other => panic!("a reader would {other:?}"),
        }
    }
}

fn mk_published(trusted: &[&Credentials]) -> Published {
    let bundle = trusted.iter().map(|it| it.bundle_pem()).collect();
    Published::At(vec![Entry {
        bundle,
        is_ours: true,
    }])
}

fn waits(action: &Action) -> Option<SystemTime> {
    match action {
        Action::Wait { until, lack: None } => Some(*until),
        _ => None,
    }
}

#[test]
fn nothing_is_due_if_all_is_well() {
    let scene = Scene::of(&mk_authority());
    // The end of a stranger is none of the authority's own certificates.
    assert_eq!(waits(&scene.decide()), Some(start() + LONGEST_WAIT));
}

#[test]
fn an_authority_is_created_only_if_there_is_none() {
    let mut scene = Scene::of(&mk_authority());
    scene.stored = Stored::Nothing;
    scene.held = None;
    let (action, lack) = scene.decide_both();
    assert!(matches!(action, Action::Create), "{action:?}");
    assert_eq!(lack, Some(Lack::Missing));
    scene.may = Right::Publish.into();
    assert!(waits(&scene.decide()).is_none());
}

#[test]
fn nothing_is_created_while_it_is_not_known_what_is_stored() {
    let mut scene = Scene::of(&mk_authority());
    scene.stored = Stored::Unknown;
    scene.held = None;
    let (action, lack) = scene.decide_both();
    assert!(matches!(action, Action::Wait { .. }), "{action:?}");
    assert_eq!(lack, Some(Lack::Unread));
}

#[test]
fn what_was_lost_or_damaged_is_written_back_by_who_holds_it() {
    let mut scene = Scene::of(&mk_authority());
    for stored in [Stored::Nothing, Stored::Unusable(Unusable::new("torn"))] {
        scene.may = Right::Write.into();
        let is_damaged = matches!(stored, Stored::Unusable(_));
        scene.stored = stored;
        let (action, lack) = scene.decide_both();
        let held = scene.held.as_ref();
        assert!(
            matches!(&action, Action::Restore(it) if Some(&Credentials::Authority(it.clone())) == held),
            "{action:?}"
        );
        let reason = "torn".to_owned();
        assert_eq!(lack, is_damaged.then_some(Lack::Unusable { reason }));
    }
}

#[test]
fn certificates_are_made_again_for_a_key_that_has_lost_them() {
    let authority = Authority::generate(start()).unwrap();
    let key = authority.key().to_pem();
    let mut scene = Scene::of(&mk_authority());
    scene.held = None;
    for bundle in [
        None,
        Some(""),
        Some("torn"),
        Some("-----BEGIN CERTIFICATE-----\nAAAA"),
    ] {
        scene.stored = Stored::from_pem(Some(&key), bundle);
        let action = scene.decide();
        assert!(
            matches!(&action, Action::Certify(it) if it.to_pem() == key),
            "{bundle:?}: {action:?}"
        );
    }
}

#[test]
fn what_nobody_can_repair_is_left_alone_and_says_what_to_do() {
    let [authority, other] = [(); 2].map(|()| Authority::generate(start()).unwrap());
    let (key, bundle) = (authority.key().to_pem(), authority.bundle_pem());
    let leaf = mk_given(&authority);
    let Credentials::Given(leaf) = leaf else {
        unreachable!()
    };
    let leaf = AuthorityCertificate::from_der(leaf.chain()[0].clone()).unwrap();
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let ed25519 = ed25519.serialize_pem();
    let mut scene = Scene::of(&mk_authority());
    scene.held = None;
    for (case, key, bundle, reason) in [
        ("certificate alone", "", &*bundle, "the key is missing"),
        (
            "torn key",
            "torn",
            &bundle,
            "failed to read the private key",
        ),
        (
            "key of another type",
            &ed25519,
            &bundle,
            "belongs to another key",
        ),
        (
            "mismatch",
            &key,
            &other.bundle_pem(),
            "belongs to another key",
        ),
        (
            "a leaf",
            &key,
            &leaf.to_pem(),
            "not one of a certificate authority",
        ),
    ] {
        scene.may = Right::Write.into();
        scene.stored = Stored::from_pem(Some(key), Some(bundle));
        let Action::Wait { lack, .. } = scene.decide() else {
            panic!("{case}: {:?}", scene.decide());
        };
        let text = lack.unwrap().to_string();
        assert!(text.contains(reason), "{case}: {text}");
        assert!(text.contains("restore it from a backup"), "{case}: {text}");
    }
}

#[test]
fn what_is_stored_wins_over_what_is_held() {
    let mut scene = Scene::of(&mk_authority());
    let other = mk_authority();
    scene.stored = Stored::Credentials(other.clone());
    for right in [Right::Read, Right::Publish, Right::Write] {
        scene.may = right.into();
        let action = scene.decide();
        assert!(
            matches!(&action, Action::Adopt(it) if *it == other),
            "{action:?}"
        );
    }
}

#[test]
fn an_authority_is_renewed_when_a_third_of_its_life_is_left() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    let third = authority
        .validity()
        .renew_at(Profile::default().authority_validity);
    scene.now = third - Duration::from_secs(1);
    scene.served = Some(mk_served(&authority, scene.now));
    assert_eq!(waits(&scene.decide()), Some(third));
    scene.now = third;
    let (action, lack) = scene.decide_both();
    assert!(matches!(action, Action::Renew(_)), "{action:?}");
    // Others do not mind until it has expired.
    assert_eq!(lack, None);
    scene.now = authority.validity().not_after + Duration::from_secs(1);
    let Action::Wait { lack, .. } = scene.decide() else {
        panic!("{:?}", scene.decide());
    };
    assert_eq!(lack, Some(Lack::Expired));
    scene.may = Right::Write.into();
    assert!(matches!(scene.decide(), Action::Renew(_)));
}

#[test]
fn nothing_is_served_under_what_is_not_published() {
    let [former, new] = [mk_authority(), mk_authority()];
    let mut scene = Scene::of(&former);
    scene.stored = Stored::Credentials(new.clone());
    scene.held = Some(new.clone());
    let (action, lack) = scene.decide_both();
    assert!(matches!(action, Action::Publish(_)), "{action:?}");
    assert_eq!(lack, Some(Lack::NotPublished));
    scene.published = Published::Unknown;
    let (_, lack) = scene.decide_both();
    assert_eq!(lack, Some(Lack::PublishedUnknown));
    scene.published = mk_published(&[&former, &new]);
    let action = scene.decide();
    assert!(
        matches!(&action, Action::Serve(it) if *it == new),
        "{action:?}"
    );
}

#[test]
fn what_is_served_stays_published() {
    let [former, new] = [mk_authority(), mk_authority()];
    let mut scene = Scene::of(&former);
    scene.stored = Stored::Credentials(new.clone());
    scene.held = Some(new.clone());
    scene.published = mk_published(&[&former, &new]);
    scene.may.serve = false;
    // Much later than others may need to notice the new one.
    scene.now = start() + DAY;
    assert!(waits(&scene.decide()).is_some());
    scene.served = Some(mk_served(&new, start()));
    let action = scene.decide();
    assert!(
        matches!(&action, Action::Publish(it) if it.to_pem() == new.bundle_pem()),
        "{action:?}"
    );
}

#[test]
fn one_entry_that_lacks_the_authority_is_enough_to_wait() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    scene.served = None;
    scene.may = Right::Read.into();
    let entry = |bundle| Entry {
        bundle,
        is_ours: true,
    };
    let right = authority.bundle_pem();
    scene.published = Published::At(vec![entry(right.clone()), entry(String::new())]);
    assert!(matches!(
        scene.decide(),
        Action::Wait {
            lack: Some(Lack::NotPublished),
            ..
        }
    ));
    scene.published = Published::At(vec![entry(right.clone()), entry(right)]);
    assert!(matches!(scene.decide(), Action::Serve(_)));
}

#[test]
fn a_leaf_is_renewed_under_the_former_authority_while_the_new_one_is_not_published() {
    let [former, new] = [mk_authority(), mk_authority()];
    let mut scene = Scene::of(&former);
    scene.stored = Stored::Credentials(new.clone());
    scene.held = Some(new);
    scene.may = Right::Read.into();
    scene.now = start() + 5 * DAY;
    let action = scene.decide();
    assert!(
        matches!(&action, Action::Serve(it) if *it == former),
        "{action:?}"
    );
}

#[test]
fn a_leaf_is_renewed_when_a_third_of_its_life_is_left_and_if_the_clock_was_set_back() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    let third = start() + Duration::from_hours(7 * 24 * 2 / 3);
    for (now, is_due) in [
        (third - Duration::from_secs(1), false),
        (third, true),
        (start() + 30 * DAY, true),
        (start() - Duration::from_mins(10), false),
    ] {
        scene.now = now;
        assert_eq!(
            matches!(scene.decide(), Action::Serve(_)),
            is_due,
            "{now:?}"
        );
    }
    scene.now = start();
    scene.served = Some(mk_served(&authority, start() + 2 * DAY));
    assert!(matches!(scene.decide(), Action::Serve(_)));
}

#[test]
fn a_leaf_is_not_renewed_again_and_again_at_the_end_of_an_authority() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    scene.may = Right::Read.into();
    scene.now = authority.validity().not_after - Duration::from_mins(1);
    scene.served = Some(mk_served(&authority, scene.now));
    let until = waits(&scene.decide());
    assert_eq!(until, Some(scene.now + LONGEST_WAIT));
}

#[test]
fn a_clock_that_is_behind_by_more_than_an_hour_is_named() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    scene.served = None;
    scene.now = start() - Duration::from_mins(61);
    let action = scene.decide();
    assert!(
        matches!(
            action,
            Action::Wait {
                lack: Some(Lack::NotYetValid),
                ..
            }
        ),
        "{action:?}"
    );
    scene.now = start() - Duration::from_mins(10);
    assert!(matches!(scene.decide(), Action::Serve(_)));
}

#[test]
fn an_entry_that_somebody_else_writes_is_read_only() {
    let authority = mk_authority();
    let mut scene = Scene::of(&authority);
    let entry = |bundle| {
        Published::At(vec![Entry {
            bundle,
            is_ours: false,
        }])
    };
    scene.published = entry(String::new());
    let action = scene.decide();
    assert!(
        matches!(
            action,
            Action::Wait {
                lack: Some(Lack::NotPublished),
                ..
            }
        ),
        "{action:?}"
    );
    scene.served = None;
    scene.published = entry(authority.bundle_pem() + &mk_authority().bundle_pem());
    assert!(matches!(scene.decide(), Action::Serve(_)));
}

#[test]
fn a_given_certificate_is_served_and_never_written() {
    let [authority, other] = [(); 2].map(|()| Authority::generate(start()).unwrap());
    let [given, successor] = [mk_given(&authority), mk_given(&other)];
    let mut scene = Scene::of(&given);
    scene.now = start() + 6 * DAY;
    assert!(waits(&scene.decide()).is_some());
    for stored in [Stored::Nothing, Stored::Unusable(Unusable::new("torn"))] {
        scene.stored = stored;
        assert!(matches!(scene.decide(), Action::Wait { .. }));
    }
    scene.now = start();
    scene.stored = Stored::Credentials(successor.clone());
    assert!(matches!(scene.decide(), Action::Adopt(_)));
    scene.held = Some(successor.clone());
    assert!(matches!(scene.decide(), Action::Publish(_)));
    scene.published = mk_published(&[&given, &successor]);
    assert!(matches!(scene.decide(), Action::Serve(_)));
}
