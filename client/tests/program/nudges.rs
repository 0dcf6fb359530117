//! Probes of Services, about which the store nudges.

use std::{
    io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use oncue_client::{
    Surroundings,
    interrupts::Interrupts,
    prober::{ProbeFailure, Prober},
    surroundings::Console,
};
use oncue_language::Probe;
use serde_json::{Value, json};

use super::{
    client::mk_environment,
    server::{Reply, Server},
};

/// Succeeds once it was told to forget the addresses of `redis`.
#[derive(Default)]
struct OldAddresses(AtomicBool);

impl Prober for OldAddresses {
    fn probe(&self, _probe: &Probe) -> Result<(), ProbeFailure> {
        if self.0.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(ProbeFailure("connection refused".to_owned()))
        }
    }

    fn forget(&self, host: &str) {
        self.0.store(host == "redis", Ordering::SeqCst);
    }
}

struct Reachable;

impl Prober for Reachable {
    fn probe(&self, _probe: &Probe) -> Result<(), ProbeFailure> {
        Ok(())
    }
}

fn run(server: &Server, prober: impl Prober + 'static, terms: &[&str]) -> ExitCode {
    let surroundings = Surroundings {
        console: Console::new(io::sink(), io::sink()),
        environment: mk_environment(&server.url()),
        interrupts: Interrupts::Nobody,
        prober: Arc::new(prober),
        ..Surroundings::of_this_process()
    };
    let args = ["wait"].into_iter().chain(terms.iter().copied());
    oncue_client::run(args.map(Into::into), &surroundings)
}

fn answer(nudge: &str) -> Reply {
    let terms: [Value; 0] = [];
    let answer = json!({"revision": "e-1", "outcome": "held", "terms": terms, "nudges": [nudge]});
    Reply::Json(200, answer)
}

#[test]
fn a_service_that_becomes_ready_is_probed_at_its_new_addresses() {
    let server = Server::start(|request| match request.number {
        0 => answer("unready"),
        1 => answer("ready"),
        _ => Reply::Hold,
    });
    let exit = run(&server, OldAddresses::default(), &["tcp://redis:6379"]);
    assert_eq!(exit, ExitCode::SUCCESS);
    let first = server.request();
    assert_eq!(first.body["terms"], json!([]));
    assert_eq!(first.body["nudges"], json!(["service:redis@shop"]));
    assert_eq!(server.request().body["revision"], "e-1", "this one is held");
}

#[test]
fn a_store_that_knows_no_nudges_judges_the_terms() {
    let server = Server::start(|request| match request.body["nudges"] {
        Value::Null => Reply::held(),
        _ => Reply::Problem(400, "unknown field `nudges`"),
    });
    let exit = run(&server, Reachable, &["a", "tcp://redis:6379"]);
    assert_eq!(exit, ExitCode::SUCCESS);
}
