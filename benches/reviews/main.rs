//! What a review costs over TLS 1.3 with keep-alive, beside a bare axum and rustls handler that
//! reads the body and answers with a constant of the same size, and how many reviews a second come
//! through if each has a connection of its own.
//!
//! `cargo bench --bench reviews`. The servers are processes of their own that take turns, so that
//! both see the same machine. No figure is asserted: they are for reading.

mod client;
#[path = "../support/process.rs"]
mod process;
mod server;
#[path = "../support/tls.rs"]
mod tls;

use std::{env, error::Error, time::Duration};

use self::{
    client::Load,
    server::{Kind, Server},
};

/// Set in the process that is the server.
const ROLE: &str = "ONCUE_BENCH_ROLE";

/// A review of 7.4 KB, as the API server sends it for a pod of a `ReplicaSet`.
const REVIEW: &str = include_str!("review.json");

/// How many connections send reviews, each the next one as soon as it is answered.
const CONNECTIONS: usize = 64;

/// How often both servers take their turn.
const ROUNDS: usize = 5;

/// How long a turn takes unless `ONCUE_BENCH_SECONDS` says otherwise.
const SECONDS: u64 = 4;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    if let Some(role) = env::var_os(ROLE) {
        return server::run(Kind::named(&role).ok_or("no such role")?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(turn()))
}

fn turn() -> Duration {
    let said = env::var("ONCUE_BENCH_SECONDS").ok();
    let seconds = said.and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(SECONDS))
}

async fn measure(turn: Duration) -> Result<(), Failure> {
    println!("{} bytes a review, {CONNECTIONS} connections", REVIEW.len());
    let mut contenders = Vec::new();
    for kind in [Kind::Bare, Kind::Webhook] {
        contenders.push(Contender::start(kind).await?);
    }
    for _ in 0..ROUNDS {
        for contender in &mut contenders {
            contender.take_turn(turn).await?;
        }
    }
    for contender in &contenders {
        contender.report()?;
    }
    let [bare, webhook] = &contenders[..] else {
        return Err("two servers take turns".into());
    };
    let ratio = webhook.micros_each() / bare.micros_each();
    println!("a review takes {ratio:.2} x the CPU of the bare handler");
    let run = client::connect_for_each(&webhook.server, CONNECTIONS, turn).await?;
    println!(
        "with a new connection for each: {:.0} reviews/s, beside a client that takes part of the CPU",
        f64::from(run.answers) / run.wall.as_secs_f64(),
    );
    Ok(())
}

/// A server and what it has done in its turns.
struct Contender {
    kind: Kind,
    server: Server,
    load: Load,
    answers: u32,
    wall: Duration,
    cpu: Duration,
}

impl Contender {
    async fn start(kind: Kind) -> Result<Self, Failure> {
        let server = Server::start(kind).await?;
        let mut load = Load::connect(&server, CONNECTIONS).await?;
        load.run(Duration::from_secs(1)).await?;
        Ok(Self {
            kind,
            server,
            load,
            answers: 0,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        })
    }

    async fn take_turn(&mut self, turn: Duration) -> Result<(), Failure> {
        let before = self.server.cpu()?;
        let run = self.load.run(turn).await?;
        self.cpu += self.server.cpu()?.saturating_sub(before);
        self.answers += run.answers;
        self.wall += run.wall;
        Ok(())
    }

    fn micros_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.answers)
    }

    fn report(&self) -> Result<(), Failure> {
        println!(
            "{:<8} {:>6.0} requests/s, {:>5.1} us CPU each, {} bytes answered, {} MiB resident",
            self.kind.name(),
            f64::from(self.answers) / self.wall.as_secs_f64(),
            self.micros_each(),
            self.server.answer_bytes(),
            self.server.resident_mib()?,
        );
        Ok(())
    }
}
