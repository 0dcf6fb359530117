//! Candidates for one Lease, on an API server in memory. Time passes by itself.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use http::Method;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::*;
use crate::{
    cluster::fake::{FakeCluster, Link},
    config::ObjectRef,
    net::{Phase, Shutdown, ShutdownTrigger},
    store::Staleness,
};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/oncue-system/leases";
const LEASE_PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/oncue-system/leases/oncue-store";

/// A clock that goes with the time of a test, and that can jump like one of a machine that was
/// suspended.
#[derive(Debug)]
struct TestClock {
    begin: Instant,
    jumped: Mutex<Duration>,
}

impl TestClock {
    fn start() -> Arc<Self> {
        Arc::new(Self {
            begin: Instant::now(),
            jumped: Mutex::default(),
        })
    }

    fn jump(&self, by: Duration) {
        *self.jumped.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl SteadyClock for TestClock {
    fn now(&self) -> Duration {
        let jumped = self.jumped.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_secs(1_000) + self.begin.elapsed() + *jumped
    }
}

/// A replica that wants to lead.
struct Replica {
    leadership: Leadership,
    link: Link,
    clock: Arc<TestClock>,
    trigger: ShutdownTrigger,
    is_stale: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Replica {
    fn start(cluster: &FakeCluster) -> Self {
        let place = ObjectRef {
            namespace: "oncue-system".parse().unwrap(),
            name: "oncue-store".parse().unwrap(),
        };
        let (link, clock) = (Link::default(), TestClock::start());
        let client = cluster.client_over(&link);
        let (elector, leadership) = Elector::new(client, place, Arc::clone(&clock) as _);
        let (trigger, shutdown) = Shutdown::new();
        let is_stale = watch::Sender::new(false);
        let staleness = Staleness::from(&is_stale);
        Self {
            leadership,
            link,
            clock,
            trigger,
            is_stale,
            task: tokio::spawn(elector.run(shutdown, staleness)),
        }
    }

    /// Starts a replica that leads before any other does.
    async fn lead(cluster: &FakeCluster) -> Self {
        let replica = Self::start(cluster);
        replica.leadership.gained().await;
        replica
    }

    fn leads(&self) -> bool {
        self.leadership.is_held()
    }

    /// Returns after which time it leads.
    async fn until_leading(&self) -> Duration {
        let begin = Instant::now();
        let gained = timeout(Duration::from_mins(5), self.leadership.gained());
        gained.await.expect("it comes to lead");
        begin.elapsed()
    }

    /// Returns after which time it does not lead any more.
    async fn until_lost(&self) -> Duration {
        let begin = Instant::now();
        let lost = timeout(Duration::from_mins(5), self.leadership.lost());
        lost.await.expect("it stops to lead");
        begin.elapsed()
    }
}

fn seconds(range: std::ops::Range<u64>) -> std::ops::Range<Duration> {
    Duration::from_secs(range.start)..Duration::from_secs(range.end)
}

/// Steps through some time, and checks that never two of the replicas lead.
async fn watch_for_two(replicas: &[&Replica], time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        let leading = replicas.iter().filter(|it| it.leads()).count();
        assert!(leading < 2, "{leading} lead after {:?}", begin.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_alone_leads_at_once_and_for_as_long_as_it_renews() {
    let cluster = FakeCluster::default();
    let replica = Replica::start(&cluster);
    assert!(!replica.leads());
    assert!(replica.until_leading().await < Duration::from_millis(100));
    let lost = timeout(Duration::from_mins(10), replica.leadership.lost()).await;
    assert!(lost.is_err(), "it stopped to lead");
    let spec = &cluster.get(LEASE_PATH)["spec"];
    let holder = spec["holderIdentity"].as_str().unwrap();
    assert!(holder.starts_with(&crate::instance::name()), "{holder}");
    assert_eq!(spec["leaseDurationSeconds"], 10);
    assert_eq!(spec["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn of_several_that_race_for_a_new_lease_one_leads() {
    for _ in 0..20 {
        let cluster = FakeCluster::default();
        let (a, b, c) = (
            Replica::start(&cluster),
            Replica::start(&cluster),
            Replica::start(&cluster),
        );
        watch_for_two(&[&a, &b, &c], Duration::from_secs(30)).await;
        let leading = [&a, &b, &c].iter().filter(|it| it.leads()).count();
        assert_eq!(leading, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_stops_before_its_lease_ends_if_it_cannot_renew_it() {
    for (case, state) in [("refuses", Link::REFUSES), ("is silent", Link::SILENT)] {
        let cluster = FakeCluster::default();
        let replica = Replica::lead(&cluster).await;
        sleep(Duration::from_mins(1)).await;
        replica.link.set(state);
        let taken = replica.until_lost().await;
        assert!(seconds(5..9).contains(&taken), "{case}: {taken:?}");
        replica.link.set(Link::UP);
        let taken = replica.until_leading().await;
        assert!(taken < Duration::from_secs(3), "{case}: {taken:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_takes_over_from_a_leader_that_vanishes_and_never_two_lead() {
    let cluster = FakeCluster::default();
    let (a, b) = (Replica::lead(&cluster).await, Replica::start(&cluster));
    sleep(Duration::from_mins(1)).await;
    a.link.set(Link::SILENT);
    let both = [&a, &b];
    let watched = watch_for_two(&both, Duration::from_mins(1));
    let ((), taken) = tokio::join!(watched, b.until_leading());
    assert!(b.leads() && !a.leads());
    assert!(taken < Duration::from_secs(15), "{taken:?}");
    // And it stays, whatever the other one does when it is back.
    a.link.set(Link::UP);
    watch_for_two(&[&a, &b], Duration::from_mins(1)).await;
    assert!(b.leads());
    assert_eq!(cluster.get(LEASE_PATH)["spec"]["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_released_is_taken_at_once() {
    let cluster = FakeCluster::default();
    let (a, b) = (Replica::lead(&cluster).await, Replica::start(&cluster));
    sleep(Duration::from_mins(1)).await;
    a.trigger.advance(Phase::Lingering);
    let taken = b.until_leading().await;
    assert!(taken <= Duration::from_millis(1_100), "{taken:?}");
    assert!(!a.leads());
    a.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_released_only_once_the_writes_under_way_have_ended() {
    let cluster = FakeCluster::default();
    let replica = Replica::lead(&cluster).await;
    let is_released = || cluster.get(LEASE_PATH)["spec"]["holderIdentity"].is_null();
    let leadership = replica.leadership.clone();
    let slow = sleep(Duration::from_secs(3));
    let slow = tokio::spawn(async move { leadership.write(slow).await });
    sleep(Duration::from_millis(10)).await;
    replica.trigger.advance(Phase::Lingering);
    sleep(Duration::from_secs(2)).await;
    assert!(!replica.leads() && !is_released());
    assert_eq!(replica.leadership.write(async {}).await, Err(NotLeader));
    assert_eq!(slow.await.unwrap(), Ok(()));
    replica.task.await.unwrap();
    assert!(is_released());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_never_led_releases_nothing() {
    let cluster = FakeCluster::default();
    let (a, b) = (Replica::lead(&cluster).await, Replica::start(&cluster));
    sleep(Duration::from_secs(5)).await;
    b.trigger.advance(Phase::Draining);
    b.task.await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(a.leads());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_frozen_writes_nothing_when_it_is_back() {
    let cluster = FakeCluster::default();
    let replica = Replica::lead(&cluster).await;
    let written = AtomicU32::new(0);
    let write = async || {
        let write = async { written.fetch_add(1, Ordering::Relaxed) };
        replica.leadership.write(write).await
    };
    assert_eq!(write().await, Ok(0));
    replica.clock.jump(Duration::from_secs(9));
    // Nothing else has run since: the task of the elector neither.
    assert!(!replica.leads());
    assert_eq!(write().await, Err(NotLeader));
    assert_eq!(written.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_abandoned_before_the_lease_ends() {
    let cluster = FakeCluster::default();
    let replica = Replica::lead(&cluster).await;
    replica.link.set(Link::SILENT);
    let begin = Instant::now();
    let hanging = replica.leadership.write(std::future::pending::<()>());
    assert_eq!(hanging.await, Err(NotLeader));
    let taken = begin.elapsed();
    assert!(seconds(5..9).contains(&taken), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_leaves_it_a_follower_until_it_is_granted() {
    let cluster = FakeCluster::default();
    cluster.refuse(Method::POST, LEASES, (403, "cannot create leases"));
    let replica = Replica::start(&cluster);
    sleep(Duration::from_mins(1)).await;
    assert!(!replica.leads());
    cluster.recover();
    assert!(replica.until_leading().await < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_someone_deletes_is_made_again_by_its_holder() {
    let cluster = FakeCluster::default();
    let (a, b) = (Replica::lead(&cluster).await, Replica::start(&cluster));
    sleep(Duration::from_secs(5)).await;
    cluster.remove(LEASE_PATH);
    watch_for_two(&[&a, &b], Duration::from_mins(1)).await;
    assert!(a.leads());
}

#[tokio::test(start_paused = true)]
async fn the_only_replica_leads_without_a_lease() {
    let sole = Leadership::sole();
    sole.gained().await;
    assert!(sole.is_held());
    assert_eq!(sole.write(async { 1 }).await, Ok(1));
    let lost = timeout(Duration::from_hours(1), sole.lost()).await;
    assert!(lost.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_misses_what_others_write_hands_over_and_waits_until_it_sees_again() {
    let cluster = FakeCluster::default();
    let (a, b) = (Replica::lead(&cluster).await, Replica::start(&cluster));
    sleep(Duration::from_mins(1)).await;
    a.is_stale.send_replace(true);
    let taken = b.until_leading().await;
    assert!(taken < Duration::from_secs(5), "{taken:?}");
    assert!(!a.leads());
    b.is_stale.send_replace(true);
    watch_for_two(&[&a, &b], Duration::from_mins(1)).await;
    assert!(!a.leads() && !b.leads());
    a.is_stale.send_replace(false);
    let taken = a.until_leading().await;
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}
