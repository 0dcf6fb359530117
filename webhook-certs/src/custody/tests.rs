//! Faults, with several servers around one place in memory.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::*;
use crate::{AuthorityCertificate, AuthorityKey, given::GivenPem, trust::Entry};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
}

fn names() -> Vec<ServerName<'static>> {
    vec!["webhook.example.svc".try_into().unwrap()]
}

/// What a cluster keeps: the texts of one authority, and the bundle of each entry of two objects.
#[derive(Debug)]
struct Cluster(Mutex<State>);

#[derive(Debug)]
struct State {
    key: Option<String>,
    certificates: Option<String>,
    bundles: Vec<String>,
    version: u64,
    raced: usize,
    /// How many writes are left until the cluster or the writer is gone.
    writes_left: usize,
    is_away: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("gone")]
struct Gone;

impl Cluster {
    fn empty() -> Self {
        Self(Mutex::new(State {
            key: None,
            certificates: None,
            bundles: vec![String::new(); 3],
            version: 0,
            raced: 0,
            writes_left: usize::MAX,
            is_away: false,
        }))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().unwrap();
        state.version += 1;
        change(&mut state)
    }

    fn put(&self, authority: &Authority) {
        self.change(|state| {
            state.key = Some(authority.key().to_pem());
            state.certificates = Some(authority.bundle_pem());
        });
    }

    fn authority(&self) -> Authority {
        let state = self.0.lock().unwrap();
        let (key, certificates) = (state.key.as_ref(), state.certificates.as_ref());
        Authority::from_pem(key.unwrap(), certificates.unwrap()).unwrap()
    }

    fn published(&self) -> Vec<String> {
        self.0.lock().unwrap().bundles.clone()
    }

    fn look(&self) -> Result<(u64, Stored, Published), Gone> {
        let state = self.0.lock().unwrap();
        if state.is_away {
            return Err(Gone);
        }
        let entry = |bundle: &String| Entry {
            bundle: bundle.clone(),
            is_ours: true,
        };
        let stored = Stored::from_pem(state.key.as_deref(), state.certificates.as_deref());
        let published = Published::At(state.bundles.iter().map(entry).collect());
        Ok((state.version, stored, published))
    }

    fn replace(&self, version: u64, write: impl FnOnce(&mut State)) -> Result<Written, Gone> {
        let mut state = self.0.lock().unwrap();
        if state.is_away || state.writes_left == 0 {
            return Err(Gone);
        }
        if state.version != version {
            state.raced += 1;
            return Ok(Written::Raced);
        }
        state.writes_left -= 1;
        state.version += 1;
        write(&mut state);
        Ok(Written::Done)
    }
}

impl Keeper for Cluster {
    type Version = u64;
    type Error = Gone;

    async fn read(&self) -> Result<Kept<u64>, Gone> {
        give_way().await;
        let (version, stored, _) = self.look()?;
        Ok(Kept { stored, version })
    }

    async fn write(&self, authority: &Authority, version: u64) -> Result<Written, Gone> {
        give_way().await;
        self.replace(version, |state| {
            state.key = Some(authority.key().to_pem());
            state.certificates = Some(authority.bundle_pem());
        })
    }
}

impl Publisher for Cluster {
    type Version = u64;
    type Error = Gone;

    async fn read(&self) -> Result<Found<u64>, Gone> {
        give_way().await;
        let (version, _, published) = self.look()?;
        Ok(Found { published, version })
    }

    async fn write(&self, bundle: &Wanted, version: u64) -> Result<Written, Gone> {
        give_way().await;
        self.replace(version, |state| {
            state.bundles.fill(bundle.to_pem());
        })
    }
}

/// Is pending once, so that others come in between.
async fn give_way() {
    let mut gave_way = false;
    poll_fn(|_| {
        if std::mem::replace(&mut gave_way, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Runs futures in turns, one step each, until all are done.
fn run_in_turns<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let outputs: Vec<_> = futures.iter().map(|_| RefCell::new(None)).collect();
    let mut context = Context::from_waker(Waker::noop());
    while outputs.iter().any(|output| output.borrow().is_none()) {
        for (future, output) in futures.iter_mut().zip(&outputs) {
            let mut output = output.borrow_mut();
            if output.is_none()
                && let Poll::Ready(value) = pin!(future).poll(&mut context)
            {
                *output = Some(value);
            }
        }
    }
    outputs
        .into_iter()
        .filter_map(RefCell::into_inner)
        .collect()
}

/// One server.
struct Server(Custody);

type Outcome = Settled<Gone, Gone>;

impl Server {
    fn new() -> Self {
        Self::with(Profile::default())
    }

    fn with(profile: Profile) -> Self {
        Self(Custody::new(profile, names()))
    }

    /// Settles, and checks what must hold whatever happens.
    fn settle(&mut self, cluster: &Cluster, now: SystemTime, right: Right) -> Outcome {
        let rounds = vec![self.0.settle((cluster, cluster), now, right)];
        let outcome = run_in_turns(rounds).remove(0);
        assert!(outcome.until <= now + MINUTE);
        outcome
    }

    /// Settles as one that may write, and expects that all is well then.
    fn keep(&mut self, cluster: &Cluster, now: SystemTime) -> Vec<Event> {
        let outcome = self.settle(cluster, now, Right::Write);
        assert!(outcome.lack.is_none(), "{outcome:?}");
        assert!(
            outcome.stored.is_ok() && outcome.published.is_ok(),
            "{outcome:?}"
        );
        self.is_verified(cluster, now);
        outcome.events
    }

    /// Checks that a client with any of the bundles verifies what is served.
    #[track_caller]
    fn is_verified(&self, cluster: &Cluster, now: SystemTime) {
        let served = self.0.served().expect("something is served");
        for bundle in cluster.published() {
            let trusted = AuthorityCertificate::all_from_pem(&bundle).unwrap();
            verify(&served.key.cert, &trusted, (&names(), now)).unwrap();
        }
    }

    fn held(&self) -> &Authority {
        match self.0.held() {
            Some(Credentials::Authority(authority)) => authority,
            other => panic!("{other:?}"),
        }
    }

    fn leaf(&self) -> Vec<u8> {
        self.0.served().unwrap().key.cert[0].to_vec()
    }
}

fn late() -> SystemTime {
    start() + 3000 * DAY
}

#[test]
fn a_start_on_nothing_creates_publishes_and_serves_in_this_order() {
    let cluster = Cluster::empty();
    let mut server = Server::new();
    let events = server.keep(&cluster, start());
    let expected = [
        Event::Created,
        Event::Adopted,
        Event::Published,
        Event::Served,
    ];
    assert_eq!(events, expected);
    assert_eq!(*server.held(), cluster.authority());
    assert_eq!(server.keep(&cluster, start() + MINUTE), []);
}

#[test]
fn of_several_who_start_at_once_one_creates_the_authority() {
    let cluster = Cluster::empty();
    let mut servers = [(); 5].map(|()| Server::new());
    let rounds = servers
        .iter_mut()
        .map(|it| it.0.settle((&cluster, &cluster), start(), Right::Write))
        .collect();
    let outcomes = run_in_turns(rounds);
    let events = outcomes.iter().flat_map(|outcome| &outcome.events);
    assert_eq!(events.filter(|it| **it == Event::Created).count(), 1);
    for server in &servers {
        assert_eq!(*server.held(), cluster.authority());
        server.is_verified(&cluster, start());
    }
    assert!(cluster.change(|state| state.raced) >= 4);
}

#[test]
fn of_several_who_renew_at_once_one_does() {
    let cluster = Cluster::empty();
    let mut servers = [(); 3].map(|()| Server::new());
    let key = {
        servers[0].keep(&cluster, start());
        servers[0].held().key().to_pem()
    };
    let rounds = servers
        .iter_mut()
        .map(|it| it.0.settle((&cluster, &cluster), late(), Right::Write))
        .collect();
    run_in_turns(rounds);
    for server in &servers {
        assert_eq!(server.held().certificates().count(), 2);
        assert_eq!(server.held().key().to_pem(), key);
        server.is_verified(&cluster, late());
    }
}

#[test]
fn a_reader_serves_only_once_the_writer_has_published() {
    let cluster = Cluster::empty();
    let (mut writer, mut reader) = (Server::new(), Server::new());
    let outcome = reader.settle(&cluster, start(), Right::Read);
    assert_eq!(outcome.lack, Some(Lack::Missing));
    cluster.put(&Authority::generate(start()).unwrap());
    let outcome = reader.settle(&cluster, start(), Right::Read);
    assert_eq!(outcome.lack, Some(Lack::NotPublished));
    assert!(reader.0.served().is_none());
    writer.keep(&cluster, start());
    let outcome = reader.settle(&cluster, start(), Right::Read);
    assert_eq!((outcome.lack, outcome.events), (None, vec![Event::Served]));
    reader.is_verified(&cluster, start());
}

#[test]
fn a_secret_that_was_emptied_or_damaged_gets_its_authority_back() {
    type Damage = fn(&mut State);
    let damages: [(&str, Damage); 6] = [
        ("emptied", |state| {
            (state.key, state.certificates) = (None, None);
        }),
        ("blank", |state| state.certificates = Some(String::new())),
        ("corrupted", |state| {
            state.certificates = Some("torn".to_owned());
        }),
        ("half", |state| state.key = None),
        ("mismatched", |state| {
            let other = AuthorityKey::generate().unwrap();
            state.key = Some(other.to_pem());
        }),
        ("key of another type", |state| {
            let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            state.key = Some(other.serialize_pem());
        }),
    ];
    for (case, damage) in damages {
        let cluster = Cluster::empty();
        let (mut writer, mut reader) = (Server::new(), Server::new());
        writer.keep(&cluster, start());
        reader.settle(&cluster, start(), Right::Read);
        let (held, leaf) = (cluster.authority(), reader.leaf());
        cluster.change(damage);
        // Who may not write serves on.
        reader.settle(&cluster, start(), Right::Read);
        assert_eq!(reader.leaf(), leaf, "{case}");
        assert_eq!(writer.keep(&cluster, start()), [Event::Restored], "{case}");
        assert_eq!(cluster.authority(), held, "{case}");
    }
}

#[test]
fn a_start_on_a_key_without_certificates_makes_them_again() {
    let cluster = Cluster::empty();
    let mut first = Server::new();
    first.keep(&cluster, start());
    let former = cluster.published();
    let key = first.held().key().to_pem();
    cluster.change(|state| state.certificates = None);
    let mut second = Server::new();
    let events = second.keep(&cluster, start() + DAY);
    assert_eq!(events[0], Event::Certified);
    assert_eq!(second.held().key().to_pem(), key);
    // Pods that trust the lost certificate verify the new leaf.
    let trusted = AuthorityCertificate::all_from_pem(&former[0]).unwrap();
    let chain = &second.0.served().unwrap().key.cert;
    verify(chain, &trusted, (&names(), start() + DAY)).unwrap();
}

#[test]
fn a_start_on_a_damaged_secret_changes_nothing_and_says_what_to_do() {
    let cluster = Cluster::empty();
    Server::new().keep(&cluster, start());
    cluster.change(|state| state.key = None);
    let version = cluster.change(|state| state.version);
    let mut server = Server::new();
    let outcome = server.settle(&cluster, start(), Right::Write);
    let text = outcome.lack.unwrap().to_string();
    assert!(
        text.contains("the key is missing; restore it from a backup"),
        "{text}"
    );
    assert_eq!(cluster.0.lock().unwrap().version, version);
    assert!(server.0.served().is_none());
}

#[test]
fn an_authority_that_was_replaced_is_adopted_after_both_are_published() {
    let cluster = Cluster::empty();
    let (mut writer, mut reader) = (Server::new(), Server::new());
    writer.keep(&cluster, start());
    reader.settle(&cluster, start(), Right::Read);
    let former = cluster.authority();
    let foreign = Authority::generate(start()).unwrap();
    let change = start() + DAY;
    cluster.put(&foreign);
    // The reader comes first, and must not serve what nobody trusts yet.
    let outcome = reader.settle(&cluster, change, Right::Read);
    assert_eq!(outcome.lack, Some(Lack::NotPublished));
    reader.is_verified(&cluster, change);
    let events = writer.keep(&cluster, change);
    assert_eq!(events, [Event::Replaced, Event::Published, Event::Served]);
    reader.is_verified(&cluster, change);
    assert_eq!(*writer.held(), foreign);
    let both = former.bundle_pem() + &foreign.bundle_pem();
    assert_eq!(cluster.published(), [both.clone(), both.clone(), both]);
    // After the others had their time, the former one goes.
    reader.settle(&cluster, change + MINUTE, Right::Read);
    assert_eq!(
        writer.keep(&cluster, change + 10 * MINUTE),
        [Event::Published]
    );
    assert_eq!(cluster.published()[0], foreign.bundle_pem());
    reader.is_verified(&cluster, change + 10 * MINUTE);
}

#[test]
fn an_authority_that_issues_nothing_of_use_is_not_adopted() {
    let cluster = Cluster::empty();
    let mut writer = Server::new();
    writer.keep(&cluster, start());
    let (held, leaf) = (cluster.authority(), writer.leaf());
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName(
            "elsewhere.example".to_owned(),
        )],
        excluded_subtrees: Vec::new(),
    });
    let foreign = params.self_signed(&key).unwrap();
    cluster.change(|state| {
        state.key = Some(key.serialize_pem());
        state.certificates = Some(foreign.pem());
    });
    assert_eq!(writer.keep(&cluster, start()), [Event::Restored]);
    assert_eq!((cluster.authority(), writer.leaf()), (held, leaf));
    cluster.change(|state| {
        state.key = Some(key.serialize_pem());
        state.certificates = Some(foreign.pem());
    });
    let outcome = Server::new().settle(&cluster, start(), Right::Write);
    let text = outcome.lack.unwrap().to_string();
    assert!(
        text.contains("would not be verified for webhook.example.svc"),
        "{text}"
    );
}

#[test]
fn an_authority_that_expired_in_weeks_of_absence_is_renewed_before_it_is_used() {
    let cluster = Cluster::empty();
    Server::new().keep(&cluster, start());
    let key = cluster.authority().key().to_pem();
    let now = start() + 3700 * DAY;
    let mut reader = Server::new();
    let outcome = reader.settle(&cluster, now, Right::Read);
    assert_eq!(outcome.lack, Some(Lack::Expired));
    assert!(reader.0.served().is_none());
    let events = Server::new().keep(&cluster, now);
    let expected = [
        Event::Adopted,
        Event::Renewed,
        Event::Adopted,
        Event::Published,
        Event::Served,
    ];
    assert_eq!(events, expected);
    assert_eq!(cluster.authority().key().to_pem(), key);
    assert_eq!(cluster.authority().certificates().count(), 1);
    reader.settle(&cluster, now, Right::Read);
    reader.is_verified(&cluster, now);
}

#[test]
fn clocks_that_differ_by_ten_minutes_do_no_harm() {
    let cluster = Cluster::empty();
    let (mut ahead, mut behind) = (Server::new(), Server::new());
    let mut now = start();
    for _ in 0..2 {
        let [early, later] = [now - 10 * MINUTE, now + 10 * MINUTE];
        ahead.settle(&cluster, later, Right::Write);
        let outcome = behind.settle(&cluster, early, Right::Write);
        assert!(outcome.lack.is_none(), "{outcome:?}");
        assert!(!outcome.events.contains(&Event::Created));
        assert!(!outcome.events.contains(&Event::Renewed));
        for server in [&ahead, &behind] {
            for now in [early, now, later] {
                server.is_verified(&cluster, now);
            }
        }
        now = late() + 10 * MINUTE;
    }
    assert_eq!(cluster.authority().certificates().count(), 2);
}

#[test]
fn a_writer_that_was_frozen_overwrites_nothing() {
    let cluster = Cluster::empty();
    let (mut frozen, mut other) = (Server::new(), Server::new());
    frozen.keep(&cluster, start());
    other.keep(&cluster, start());
    // It is about to renew when it stops: its next step comes after all that others do.
    let mut round = Box::pin(frozen.0.settle((&cluster, &cluster), late(), Right::Write));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(round.as_mut().poll(&mut context).is_pending());
    }
    other.keep(&cluster, late());
    let renewed = cluster.authority();
    let outcome = run_in_turns(vec![round]).remove(0);
    assert!(!outcome.events.contains(&Event::Renewed), "{outcome:?}");
    assert_eq!(cluster.authority(), renewed);
    assert_eq!(*frozen.held(), renewed);
    frozen.is_verified(&cluster, late());
}

#[test]
fn leaves_are_renewed_while_the_cluster_is_away() {
    let profile = Profile {
        leaf_validity: 15 * MINUTE,
        ..Profile::default()
    };
    let cluster = Cluster::empty();
    let mut server = Server::with(profile);
    server.keep(&cluster, start());
    cluster.change(|state| state.is_away = true);
    let mut leaves = vec![server.leaf()];
    for minute in 1..=60 {
        let now = start() + minute * MINUTE;
        let outcome = server.settle(&cluster, now, Right::Write);
        assert!(outcome.stored.is_err() && outcome.published.is_err());
        server.is_verified(&cluster, now);
        leaves.push(server.leaf());
    }
    leaves.dedup();
    assert_eq!(leaves.len(), 7);
    cluster.change(|state| state.is_away = false);
    assert_eq!(server.keep(&cluster, start() + 61 * MINUTE), []);
}

#[test]
fn a_start_while_the_cluster_is_away_serves_nothing() {
    let cluster = Cluster::empty();
    Server::new().keep(&cluster, start());
    cluster.change(|state| state.is_away = true);
    let mut server = Server::new();
    let outcome = server.settle(&cluster, start(), Right::Write);
    assert_eq!(outcome.lack, Some(Lack::Unread));
    assert!(server.0.served().is_none());
    cluster.change(|state| state.is_away = false);
    server.keep(&cluster, start());
}

#[test]
fn bundles_that_somebody_changes_are_put_right() {
    let cluster = Cluster::empty();
    let mut server = Server::new();
    server.keep(&cluster, start());
    for tampered in ["", "torn"] {
        cluster.change(|state| state.bundles[1] = tampered.to_owned());
        let reader = &mut Server::new();
        let outcome = reader.settle(&cluster, start(), Right::Read);
        assert_eq!(outcome.lack, Some(Lack::NotPublished));
        assert_eq!(server.keep(&cluster, start()), [Event::Published]);
    }
}

/// What a cluster looks like before something happens, and who holds what then.
type Story = (&'static str, SystemTime, fn(&Cluster));

/// Kills the writer after each number of writes, in each story, and lets another one follow.
#[test]
fn a_kill_between_any_two_writes_leaves_nothing_that_the_next_one_does_not_repair() {
    let made = |cluster: &Cluster| {
        Server::new().keep(cluster, start());
    };
    let stories: [Story; 5] = [
        ("the first start", start(), |_| {}),
        ("a renewal", late(), made),
        ("an expired authority", start() + 3700 * DAY, made),
        ("lost certificates", start() + DAY, |cluster| {
            Server::new().keep(cluster, start());
            cluster.change(|state| state.certificates = None);
        }),
        ("a replaced authority", start() + DAY, |cluster| {
            Server::new().keep(cluster, start());
            cluster.put(&Authority::generate(start()).unwrap());
        }),
    ];
    for (story, now, prepare) in stories {
        for writes in 0..4 {
            let cluster = Cluster::empty();
            prepare(&cluster);
            let mut bystander = Server::new();
            bystander.settle(&cluster, now, Right::Read);
            cluster.change(|state| state.writes_left = writes);
            let mut killed = Server::new();
            killed.settle(&cluster, now, Right::Write);
            if killed.0.served().is_some() {
                killed.is_verified(&cluster, now);
            }
            drop(killed);
            // Who is left serves nothing that is not verified, and the next writer repairs it all.
            bystander.settle(&cluster, now, Right::Read);
            if bystander.0.served().is_some() {
                bystander.is_verified(&cluster, now);
            }
            let key = cluster.change(|state| {
                state.writes_left = usize::MAX;
                state.key.clone()
            });
            let mut next = Server::new();
            next.keep(&cluster, now);
            assert!(
                key.is_none_or(|key| key == next.held().key().to_pem()),
                "{story}"
            );
            bystander.settle(&cluster, now, Right::Read);
            bystander.is_verified(&cluster, now);
        }
    }
}

#[test]
fn a_client_of_the_first_day_trusts_each_leaf_until_its_certificate_ends() {
    let cluster = Cluster::empty();
    let mut server = Server::new();
    server.keep(&cluster, start());
    let trusted = AuthorityCertificate::all_from_pem(&cluster.published()[0]).unwrap();
    let mut renewals = 0;
    for week in (0..520).step_by(13) {
        let now = start() + week * 7 * DAY;
        let events = server.keep(&cluster, now);
        renewals += usize::from(events.contains(&Event::Renewed));
        let chain = &server.0.served().unwrap().key.cert;
        verify(chain, &trusted, (&names(), now)).unwrap();
    }
    assert_eq!(renewals, 1);
}

#[test]
fn validities_of_minutes_work_like_those_of_years() {
    let profile = Profile {
        authority_validity: 6 * MINUTE,
        leaf_validity: 3 * MINUTE,
        ..Profile::default()
    };
    let cluster = Cluster::empty();
    let mut server = Server::with(profile);
    let mut now = start();
    let mut renewals = 0;
    let mut leaves = 0;
    while now < start() + 60 * MINUTE {
        let outcome = server.settle(&cluster, now, Right::Write);
        assert!(outcome.lack.is_none(), "{outcome:?}");
        server.is_verified(&cluster, now);
        let count = |event| outcome.events.iter().filter(|it| **it == event).count();
        renewals += count(Event::Renewed);
        leaves += count(Event::Served);
        assert!(server.held().certificates().count() <= 2);
        now = outcome.until.max(now + Duration::from_secs(1));
    }
    assert_eq!(renewals, 14);
    assert!((28..=45).contains(&leaves), "{leaves}");
}

#[test]
fn a_place_that_never_rests_is_told() {
    struct Restless;

    impl Keeper for Restless {
        type Version = ();
        type Error = Gone;

        async fn read(&self) -> Result<Kept<()>, Gone> {
            Ok(Kept {
                stored: Stored::Nothing,
                version: (),
            })
        }

        async fn write(&self, _: &Authority, (): ()) -> Result<Written, Gone> {
            Ok(Written::Raced)
        }
    }

    let mut custody = Custody::new(Profile::default(), names());
    let round = custody.settle((&Restless, &Unpublished), start(), Right::Write);
    let outcome = run_in_turns(vec![round]).remove(0);
    assert_eq!(outcome.lack, Some(Lack::Contended));
    assert_eq!(outcome.until, start());
}

/// A Secret that cert-manager writes: a certificate, its key and the authority's certificate.
struct Given {
    cluster: Cluster,
    pems: Mutex<[String; 3]>,
    now: Mutex<SystemTime>,
}

impl Given {
    fn by(authority: &Authority) -> Self {
        Self {
            cluster: Cluster::empty(),
            pems: Mutex::new(issue(authority, start())),
            now: Mutex::new(start()),
        }
    }

    fn renew(&self, authority: &Authority, now: SystemTime) {
        *self.pems.lock().unwrap() = issue(authority, now);
        *self.now.lock().unwrap() = now;
    }
}

/// Issues as cert-manager does: its Secret holds one certificate of the authority, the newest.
fn issue(authority: &Authority, now: SystemTime) -> [String; 3] {
    let leaf = authority.issue(&names(), now).unwrap();
    let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.certificate().to_vec()));
    [
        certificate,
        leaf.key_pem(),
        authority.certificate().to_pem(),
    ]
}

impl Keeper for Given {
    type Version = ();
    type Error = Gone;

    async fn read(&self) -> Result<Kept<()>, Gone> {
        give_way().await;
        let pems = self.pems.lock().unwrap().clone();
        let [certificate, key, authority] = &pems;
        let pem = GivenPem {
            certificate,
            key,
            authority,
        };
        let now = *self.now.lock().unwrap();
        let stored = match crate::Given::from_pem(pem, (&names(), now)) {
            Ok(given) => given.into(),
            Err(error) => Stored::Unusable(Unusable::new(error.told())),
        };
        Ok(Kept {
            stored,
            version: (),
        })
    }

    async fn write(&self, _: &Authority, (): ()) -> Result<Written, Gone> {
        panic!("somebody else writes it");
    }
}

impl Server {
    /// Settles on certificates of somebody else, and checks that clients verify what is served.
    fn follow(&mut self, given: &Given, right: Right) -> Outcome {
        let now = *given.now.lock().unwrap();
        let round = vec![self.0.settle((given, &given.cluster), now, right)];
        let outcome = run_in_turns(round).remove(0);
        self.is_verified(&given.cluster, now);
        outcome
    }
}

#[test]
fn a_given_certificate_that_is_renewed_is_served_at_once() {
    let authority = Authority::generate(start()).unwrap();
    let given = Given::by(&authority);
    let mut server = Server::new();
    let events = server.follow(&given, Right::Publish).events;
    assert_eq!(events, [Event::Adopted, Event::Published, Event::Served]);
    let (leaf, bundle) = (server.leaf(), given.cluster.published());
    given.renew(&authority, start() + 4 * DAY);
    let events = server.follow(&given, Right::Publish).events;
    assert_eq!(events, [Event::Adopted, Event::Served]);
    assert_ne!(server.leaf(), leaf);
    assert_eq!(given.cluster.published(), bundle);
}

/// Lets the authority of somebody else change, with one server that publishes and one that comes
/// first and does not. Returns the bundles right after the change, and ten minutes later.
fn change_authority((former, next): (&Authority, &Authority), event: Event) -> [String; 2] {
    let given = Given::by(former);
    let (mut writer, mut reader) = (Server::new(), Server::new());
    writer.follow(&given, Right::Publish);
    reader.follow(&given, Right::Read);
    let leaf = reader.leaf();
    let change = start() + 4 * DAY;
    given.renew(next, change);
    // Nothing is served that no bundle verifies, wherever a round is cut.
    given.cluster.change(|state| state.writes_left = 0);
    let outcome = writer.follow(&given, Right::Publish);
    assert_eq!(outcome.events[0], event);
    reader.follow(&given, Right::Read);
    given.cluster.change(|state| state.writes_left = usize::MAX);
    let outcome = writer.follow(&given, Right::Publish);
    assert!(outcome.lack.is_none(), "{outcome:?}");
    reader.is_verified(&given.cluster, change);
    reader.follow(&given, Right::Read);
    assert_ne!(reader.leaf(), leaf);
    let both = given.cluster.published().remove(0);
    *given.now.lock().unwrap() += 10 * MINUTE;
    writer.follow(&given, Right::Publish);
    reader.follow(&given, Right::Read);
    [both, given.cluster.published().remove(0)]
}

#[test]
fn both_certificates_of_a_given_authority_that_is_renewed_are_published_for_a_while() {
    let former = Authority::generate(start()).unwrap();
    let renewed = former
        .renewed(&Profile::default(), start() + 4 * DAY)
        .unwrap();
    let bundles = change_authority((&former, &renewed), Event::Adopted);
    let [former, renewed] = [&former, &renewed].map(|it| it.certificate().to_pem());
    assert_eq!(bundles, [former + &renewed, renewed]);
}

#[test]
fn a_given_authority_with_another_key_replaces_the_former_one_which_is_told() {
    let former = Authority::generate(start()).unwrap();
    let other = Authority::generate(start()).unwrap();
    let bundles = change_authority((&former, &other), Event::Replaced);
    let [former, other] = [&former, &other].map(|it| it.certificate().to_pem());
    assert_eq!(bundles, [former + &other, other]);
}
