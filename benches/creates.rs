//! The cost of creates: durable ones alone, together, and with many waiters.
//!
//! The figures have no limits. `ONCUE_BENCH_DIR` names the directory whose disk is measured.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench ends where it fails"
)]

use std::{
    env,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use oncue::{
    language::{Condition, Grace, Namespace, Term, VariableKey},
    life::{AssertionId, Timestamp},
    memory::{Budget, StoreMemory},
    store::{
        Backend, Embedded, Existing, Limits, Memory, NewAssertion, Store, SystemClock, WaitRequest,
        Waiter,
    },
};
use tokio::{runtime::Runtime, task::JoinSet};

const WRITERS: usize = 64;
/// Enough for 10,000 waiters of one namespace, which leaves a part to others.
const CONNECTIONS: usize = 100_000;
const MEASURED_FOR: Duration = Duration::from_secs(4);

fn main() {
    let runtime = Runtime::new().unwrap();
    // First, while nothing else has grown the heap.
    release(&runtime);
    creates_beside_waiters(&runtime);
    durable_creates(&runtime);
}

fn durable_creates(runtime: &Runtime) {
    let directory = bench_directory();
    println!("durable creates in {}", directory.display());
    println!("  file system            {}", file_system(&directory));
    println!("  one sync of 4 KiB      {}", show(one_sync(&directory)));
    let alone = runtime.block_on(creates_per_second(&directory, 1));
    let together = runtime.block_on(creates_per_second(&directory, WRITERS));
    println!("  each synced alone      {alone:.0} creates/s");
    println!("  {WRITERS} writers together    {together:.0} creates/s");
    println!("  ratio                  {:.1}", together / alone);
}

fn bench_directory() -> PathBuf {
    env::var_os("ONCUE_BENCH_DIR").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), Into::into)
}

/// Returns the type of the file system, as the longest mount point above the directory has it.
fn file_system(directory: &Path) -> String {
    let directory = fs::canonicalize(directory).unwrap();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(1).map(str::to_owned);
        Some((fields.next()?, fields.next()?))
    };
    let above = mounts.lines().filter_map(mount);
    above
        .filter(|(point, _)| directory.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map_or("unknown".to_owned(), |(_, kind)| kind)
}

/// Returns the median.
fn one_sync(directory: &Path) -> Duration {
    let mut file = tempfile::tempfile_in(directory).unwrap();
    let mut taken: Vec<_> = (0..200).map(|_| sync_once(&mut file)).collect();
    taken.sort();
    taken[taken.len() / 2]
}

fn sync_once(file: &mut File) -> Duration {
    let begin = Instant::now();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&[1; 4096]).unwrap();
    file.sync_data().unwrap();
    begin.elapsed()
}

async fn creates_per_second(directory: &Path, writers: usize) -> f64 {
    let directory = tempfile::tempdir_in(directory).unwrap();
    let store = open(Arc::new(
        Embedded::open(directory.path(), Budget::UNLIMITED).unwrap(),
    ))
    .await;
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        tasks.spawn(create_for(store.clone(), writer, MEASURED_FOR));
    }
    let created: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(created) / begin.elapsed().as_secs_f64()
}

async fn create_for(store: Store, writer: usize, duration: Duration) -> u32 {
    let end = Instant::now() + duration;
    let mut created = 0;
    while Instant::now() < end {
        create(&store, &format!("bench/{writer}/{created}")).await;
        created += 1;
    }
    created
}

fn creates_beside_waiters(runtime: &Runtime) {
    println!("a create in memory beside waiters on other names");
    for waiters in [0, 100, 1000, 10_000] {
        let taken = runtime.block_on(create_beside(waiters));
        println!("  {waiters:>6} waiters         {}", show(taken));
    }
}

/// Returns the mean over many creates.
async fn create_beside(waiters: usize) -> Duration {
    const CREATES: u32 = 50_000;
    let store = open(Arc::new(Memory::new(Budget::UNLIMITED))).await;
    let _held = hold(&store, waiters, |number| format!("other/{number}")).await;
    let begin = Instant::now();
    for number in 0..CREATES {
        create(&store, &format!("bench/{number}")).await;
    }
    begin.elapsed() / CREATES
}

fn release(runtime: &Runtime) {
    const WAITERS: usize = 10_000;
    println!("{WAITERS} waiters held, then released by one create in memory");
    for (what, name) in [
        ("one name", None),
        ("a name and one of their own", Some("own")),
    ] {
        let Released {
            resident,
            created,
            answered,
        } = runtime.block_on(release_all(WAITERS, name));
        println!("  waiting for {what}");
        println!(
            "    resident memory      {} bytes a waiter, its task included",
            resident / WAITERS
        );
        println!("    create acknowledged  {}", show(created));
        println!("    all have answers     {} after that", show(answered));
    }
}

struct Released {
    /// Memory of all waiters.
    resident: usize,
    /// Duration of the create.
    created: Duration,
    /// Time from there until the last waiter had its answer.
    answered: Duration,
}

async fn release_all(waiters: usize, own: Option<&str>) -> Released {
    let store = open(Arc::new(Memory::new(Budget::UNLIMITED))).await;
    let terms = |number| match own {
        Some(own) => format!("go, {own}/{number}"),
        None => "go".to_owned(),
    };
    let before = resident_bytes();
    let held = hold(&store, waiters, terms).await;
    let resident = resident_bytes().saturating_sub(before);
    let begin = Instant::now();
    create(&store, "go").await;
    let created = Instant::now();
    held.join_all().await;
    Released {
        resident,
        created: created - begin,
        answered: created.elapsed(),
    }
}

fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}

/// Holds `count` waiters, each in its own task.
async fn hold(store: &Store, count: usize, terms: impl Fn(usize) -> String) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(wait(store.clone(), conditions(&terms(number))));
    }
    while store.stats().waiters < count {
        // None is released yet, so one that ends has failed.
        assert!(tasks.try_join_next().is_none(), "a waiter was refused");
        tokio::task::yield_now().await;
    }
    tasks
}

async fn wait(store: Store, conditions: Arc<[Condition]>) {
    let asker = (Grace::Over, &Namespace::default());
    let present = store.judge(&conditions, asker).unwrap();
    let who = Waiter {
        namespace: Namespace::default(),
        pod: None,
        uid: None,
        since: Timestamp::default(),
    };
    let request = WaitRequest {
        who,
        conditions,
        revision: Some(present.revision),
        knows_release: false,
    };
    store.wait(request).await.unwrap();
}

async fn open(backend: Arc<dyn Backend>) -> Store {
    let limits = Limits {
        waits: Budget::UNLIMITED,
        ..Limits::within(CONNECTIONS, StoreMemory::default())
    };
    let store = Store::open(backend, limits, Arc::new(SystemClock));
    store.await.unwrap()
}

async fn create(store: &Store, name: &str) {
    let assertion = NewAssertion {
        id: AssertionId::HAND,
        value: None,
        ttl: None,
        existing: Existing::KeepValue,
    };
    let key = VariableKey::new(Namespace::default(), name.parse().unwrap());
    store.assert(key, assertion).await.unwrap();
}

fn conditions(terms: &str) -> Arc<[Condition]> {
    let terms = Term::parse_list(terms).unwrap();
    let condition = |term: &Term| term.condition(&Namespace::default()).unwrap().unwrap();
    terms
        .iter()
        .map(|located| condition(&located.value))
        .collect()
}

fn show(duration: Duration) -> String {
    format!("{:.1} us", duration.as_secs_f64() * 1e6)
}
