//! How long requests take while the store holds many variables and many long waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    Failure,
    http::{Connection, Target},
    load,
    server::{Kind, Server},
};

const VARIABLES: usize = 50_000;
const WAITS: usize = 5_000;
const TERMS: usize = 256;

/// The variables and waits are spread over so many namespaces.
const NAMESPACES: usize = 50;

/// Creates that move what waits count, without answering any.
const CREATES: usize = 2_000;

/// How long the requests of others took, in order.
pub(crate) struct Delays {
    /// While variables were created below the names that waits count.
    pub(crate) counting: Vec<Duration>,
    /// While one create in each namespace answered all waits.
    pub(crate) answering: Vec<Duration>,
}

/// Fills a store of its own, and measures.
pub(crate) async fn delays() -> Result<Delays, Failure> {
    let server = Server::start(Kind::Memory).await?;
    let target = server.target();
    fill(target).await?;
    let mut waiting = hold(target).await?;
    let mut creator = Connection::open(target).await?;

    let others = Others::send(target).await?;
    for number in 0..CREATES {
        let namespace = number % NAMESPACES;
        create(&mut creator, namespace, &format!("counted/new-{number}")).await?;
    }
    let counting = others.stop().await?;

    let others = Others::send(target).await?;
    for namespace in 0..NAMESPACES {
        create(&mut creator, namespace, "hot").await?;
    }
    while let Some(answered) = waiting.join_next().await {
        answered??;
    }
    let answering = others.stop().await?;
    Ok(Delays {
        counting,
        answering,
    })
}

async fn fill(target: &Target) -> Result<(), Failure> {
    let mut filling = JoinSet::new();
    for namespace in 0..NAMESPACES {
        let target = target.clone();
        filling.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            for number in 0..VARIABLES / NAMESPACES {
                create(&mut connection, namespace, &format!("counted/{number}")).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(filled) = filling.join_next().await {
        filled??;
    }
    Ok(())
}

/// Holds all waits, and returns what ends with their answers.
async fn hold(target: &Target) -> Result<JoinSet<Result<(), Failure>>, Failure> {
    let mut waiting = JoinSet::new();
    let connections = load::connect(target, WAITS).await?;
    for (number, connection) in connections.into_iter().enumerate() {
        waiting.spawn(wait(connection, number));
    }
    load::until_all_wait(target, &mut waiting).await?;
    Ok(waiting)
}

/// Waits for counts that are far away, and for `hot`.
async fn wait(mut connection: Connection, number: usize) -> Result<(), Failure> {
    let far = |term| format!("counted/*>={}", 1_000_000_000 + number * TERMS + term);
    let terms: Vec<_> = (1..TERMS).map(far).chain(["hot".to_owned()]).collect();
    let path = format!("/v1/namespaces/ns-{}/wait", number % NAMESPACES);
    let ask = json!({ "terms": terms }).to_string();
    let first: Value = serde_json::from_str(&connection.send("POST", &path, &ask).await?)?;
    let held = json!({ "terms": terms, "revision": first["revision"] }).to_string();
    drop((ask, first, terms));
    connection.send("POST", &path, &held).await?;
    Ok(())
}

async fn create(connection: &mut Connection, namespace: usize, name: &str) -> Result<(), Failure> {
    let path = format!("/v1/namespaces/ns-{namespace}/variables/{name}");
    connection.send("PUT", &path, "").await?;
    Ok(())
}

/// A client with requests of its own, one after the other.
struct Others {
    is_over: Arc<AtomicBool>,
    delays: JoinHandle<Result<Vec<Duration>, Failure>>,
}

impl Others {
    async fn send(target: &Target) -> Result<Self, Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut connection = Connection::open(target).await?;
        let over = Arc::clone(&is_over);
        let delays = tokio::spawn(async move {
            let mut delays = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                connection.send("GET", "/healthz", "").await?;
                delays.push(begin.elapsed());
            }
            Ok(delays)
        });
        Ok(Self { is_over, delays })
    }

    async fn stop(self) -> Result<Vec<Duration>, Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut delays = self.delays.await??;
        delays.sort_unstable();
        Ok(delays)
    }
}
