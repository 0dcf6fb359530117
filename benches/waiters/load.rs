//! The waiters, and the client that creates their variable.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Failure,
    http::{Connection, Target},
};

/// Number of parallel connects, below the backlog of every listener.
const CONNECTING: usize = 64;

/// Connected clients that all wait for one name at a time.
pub(crate) struct Crowd {
    target: Target,
    idle: Vec<Connection>,
    waiting: JoinSet<Result<(Instant, Connection), Failure>>,
    creator: Connection,
}

/// Times at which the waiters had their answers, from the acknowledgement of the create.
pub(crate) struct Release {
    pub(crate) first: Duration,
    pub(crate) half: Duration,
    pub(crate) last: Duration,
}

impl Crowd {
    pub(crate) async fn connect(target: &Target, count: usize) -> Result<Self, Failure> {
        Ok(Self {
            target: target.clone(),
            idle: connect(target, count).await?,
            waiting: JoinSet::new(),
            creator: Connection::open(target).await?,
        })
    }

    /// Makes all wait for `name`, and returns when the store holds every one.
    pub(crate) async fn wait_for(&mut self, name: &str) -> Result<(), Failure> {
        for connection in self.idle.drain(..) {
            self.waiting.spawn(wait(connection, name.to_owned()));
        }
        until_all_wait(&self.target, &mut self.waiting).await
    }

    /// Creates `name`, and returns when the waiters had their answers.
    pub(crate) async fn release(&mut self, name: &str) -> Result<Release, Failure> {
        self.create(name).await?;
        let acknowledged = Instant::now();
        let mut times = Vec::with_capacity(self.waiting.len());
        while let Some(answered) = self.waiting.join_next().await {
            let (at, connection) = answered??;
            times.push(at.saturating_duration_since(acknowledged));
            self.idle.push(connection);
        }
        times.sort_unstable();
        Ok(Release {
            first: times[0],
            half: times[times.len() / 2],
            last: times[times.len() - 1],
        })
    }

    /// Creates `count` variables one after the other, and returns the duration of each.
    pub(crate) async fn time_creates(&mut self, count: usize) -> Result<Vec<Duration>, Failure> {
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let name = format!("bench/other-{number}");
            let begin = Instant::now();
            self.create(&name).await?;
            times.push(begin.elapsed());
        }
        Ok(times)
    }

    async fn create(&mut self, name: &str) -> Result<(), Failure> {
        let path = format!("/v1/namespaces/default/variables/{name}");
        self.creator.send("PUT", &path, "").await?;
        Ok(())
    }
}

/// Opens `count` connections, each with one request, because the store leaves only those alone.
pub(crate) async fn connect(target: &Target, count: usize) -> Result<Vec<Connection>, Failure> {
    let mut open = Vec::with_capacity(count);
    while open.len() < count {
        let mut connecting = JoinSet::new();
        for _ in 0..CONNECTING.min(count - open.len()) {
            let target = target.clone();
            connecting.spawn(async move {
                let mut connection = Connection::open(&target).await?;
                connection.send("GET", "/healthz", "").await?;
                Ok::<_, Failure>(connection)
            });
        }
        while let Some(connection) = connecting.join_next().await {
            open.push(connection??);
        }
    }
    Ok(open)
}

/// Returns when the store holds a wait of each task, or fails when a task ends.
pub(crate) async fn until_all_wait<T: 'static>(
    target: &Target,
    waiting: &mut JoinSet<Result<T, Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        held = until_held(target, waiting.len()) => held,
        Some(ended) = waiting.join_next() => match ended? {
            Ok(_) => Err("a wait has ended before its time".into()),
            Err(failure) => Err(failure),
        },
    }
}

/// Returns when the store holds so many waiters.
async fn until_held(target: &Target, waiters: usize) -> Result<(), Failure> {
    let held = format!("oncue_store_waiters {waiters}");
    let mut observer = Connection::open(target).await?;
    loop {
        let metrics = observer.send("GET", "/metrics", "").await?;
        if metrics.lines().any(|line| line == held) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks for the present state, waits from there, and returns when the answer came.
async fn wait(mut connection: Connection, name: String) -> Result<(Instant, Connection), Failure> {
    let path = "/v1/namespaces/default/wait";
    let ask = json!({ "terms": [name] }).to_string();
    let first: Value = serde_json::from_str(&connection.send("POST", path, &ask).await?)?;
    let held = json!({ "terms": [name], "revision": first["revision"] }).to_string();
    let answer = connection.send("POST", path, &held).await?;
    let at = Instant::now();
    if answer.contains(r#""outcome":"held""#) {
        Ok((at, connection))
    } else {
        Err(answer.into())
    }
}
