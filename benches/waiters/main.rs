//! Many waiters on one store, over plain HTTP and over TLS: the time until a create releases them, the memory of
//! each, the cost of a create while others wait for other names, the cost of a barrier, and how long
//! the requests of others take while a store is crowded.
//!
//! The store and the load are separate processes. `ONCUE_BENCH_WAITERS` sets the number of waiters.
//! `ONCUE_BENCH_NAMESPACE` names a namespace of the cluster in `KUBECONFIG`, where oncue's
//! `CustomResourceDefinition` is installed, for a barrier on the backend `kubernetes`; delete it
//! afterwards.

mod barrier;
mod crowded;
mod http;
mod load;
#[path = "../support/process.rs"]
mod process;
mod server;
#[path = "../support/tls.rs"]
mod tls;

use std::{env, error::Error, time::Duration};

use self::{
    load::Crowd,
    server::{Kind, Server},
};

/// Set in the process that is the server.
const ROLE: &str = "ONCUE_BENCH_ROLE";

/// Names a namespace of a cluster.
const NAMESPACE: &str = "ONCUE_BENCH_NAMESPACE";

/// Default number of waiters.
const WAITERS: usize = 10_000;

/// Number of rounds.
const ROUNDS: usize = 5;

/// How many pods meet at a barrier.
const BARRIERS: [usize; 3] = [1_000, 3_000, 10_000];

/// Number of timed creates with waiters on other names.
const CREATES: usize = 2_000;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    server::raise_open_files();
    if let Some(role) = env::var_os(ROLE) {
        return server::run(Kind::named(&role).ok_or("no such role")?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(waiters()))
}

fn waiters() -> usize {
    let said = env::var("ONCUE_BENCH_WAITERS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(WAITERS)
}

async fn measure(waiters: usize) -> Result<(), Failure> {
    for kind in [Kind::Memory, Kind::MemoryOverTls] {
        releases(kind, waiters).await?;
    }
    for count in [waiters / 100, waiters / 10, waiters] {
        creates_beside(count).await?;
    }
    let namespace = env::var(NAMESPACE).ok();
    let on_cluster = namespace.map(|namespace| (Kind::Kubernetes, namespace));
    let local = [Kind::Memory, Kind::Embedded].map(|kind| (kind, "default".to_owned()));
    for (kind, namespace) in local.into_iter().chain(on_cluster) {
        for pods in BARRIERS {
            meet(kind, &namespace, pods).await?;
        }
    }
    crowd().await
}

/// Holds all waiters on one name, creates it, and prints when the last one has its answer.
async fn releases(kind: Kind, waiters: usize) -> Result<(), Failure> {
    let server = Server::start(kind).await?;
    let idle = server.resident_bytes()?;
    println!("{}, idle: {:.1} MiB resident", kind.name(), mib(idle));
    let mut crowd = Crowd::connect(server.target(), waiters).await?;
    for round in 1..=ROUNDS {
        let name = format!("bench/round-{round}");
        crowd.wait_for(&name).await?;
        let held = server.resident_bytes()?;
        let release = crowd.release(&name).await?;
        println!(
            "round {round}: {waiters} held at {:.1} KiB each; released: first {}, half {}, last {} \
             after the create was acknowledged",
            kib_each(held.saturating_sub(idle), waiters),
            millis(release.first),
            millis(release.half),
            millis(release.last),
        );
    }
    println!(
        "afterwards: {:.1} MiB resident",
        mib(server.resident_bytes()?)
    );
    Ok(())
}

/// Holds waiters on one name and measures creates of other names.
async fn creates_beside(waiters: usize) -> Result<(), Failure> {
    let server = Server::start(Kind::Memory).await?;
    let mut crowd = Crowd::connect(server.target(), waiters).await?;
    crowd.wait_for("bench/never").await?;
    let mut times = crowd.time_creates(CREATES).await?;
    times.sort_unstable();
    println!(
        "{waiters} waiters on another name: a create takes {:.1} us (p50), {:.1} us (p99)",
        micros(times[times.len() / 2]),
        micros(times[times.len() * 99 / 100]),
    );
    Ok(())
}

/// Lets pods meet at a barrier, and prints what each of them costs.
async fn meet(kind: Kind, namespace: &str, pods: usize) -> Result<(), Failure> {
    let cost = barrier::cost(kind, namespace, pods).await?;
    let each = u32::try_from(pods)?;
    let name = kind.name();
    println!(
        "{name}: a barrier of {pods}: {:.1} us CPU and {} bytes for each pod",
        micros(cost.cpu / each),
        cost.bytes / pods,
    );
    Ok(())
}

/// Crowds a store, and prints how long the requests of others take.
async fn crowd() -> Result<(), Failure> {
    let delays = crowded::delays().await?;
    report("counts move", &delays.counting);
    report("all are answered", &delays.answering);
    Ok(())
}

fn report(while_what: &str, delays: &[Duration]) {
    let at = |thousandth: usize| delays.get(delays.len() * thousandth / 1000);
    let shown = |delay: Option<&Duration>| delay.copied().map_or_else(String::new, millis);
    println!(
        "crowded store, while {while_what}: {} requests, p50 {}, p99 {}, p99.9 {}, longest {}",
        delays.len(),
        shown(at(500)),
        shown(at(990)),
        shown(at(999)),
        shown(delays.last()),
    );
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn mib(bytes: usize) -> f64 {
    kib_each(bytes, 1024)
}

#[expect(clippy::cast_precision_loss, reason = "figures for a person")]
fn kib_each(bytes: usize, each: usize) -> f64 {
    bytes as f64 / 1024.0 / each.max(1) as f64
}
