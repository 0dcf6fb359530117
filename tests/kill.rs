//! A store process that is killed at any instant, under load: what it acknowledged is there when it
//! starts again on the same directory.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it fails"
)]

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use oncue_wire::VariableList;
use rand::{RngExt, SeedableRng, rngs::StdRng};

const KILLS: u64 = 60;
const WRITERS: usize = 8;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let server = Server::start(directory.path());
        assert_eq!(
            server.missing(&acknowledged),
            [""; 0],
            "before kill {round}"
        );
        acknowledged.extend(server.load_and_kill(round));
    }
    let server = Server::start(directory.path());
    assert_eq!(
        server.missing(&acknowledged),
        [""; 0],
        "after the last kill"
    );
    // Each round is killed only after its first acknowledgement.
    assert!(acknowledged.len() as u64 >= KILLS, "{}", acknowledged.len());
}

/// A server process; it is killed at the end at the latest.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_oncue"))
            .args([
                "serve",
                "--roles=store",
                "--http=127.0.0.1:0",
                "--admin=127.0.0.1:0",
            ])
            .arg("--data")
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let address = |line: io::Result<String>| {
            let line = line.unwrap();
            let address = line
                .strip_prefix("store ")?
                .trim()
                .strip_prefix("http://")?;
            Some(address.to_owned())
        };
        let address = stdout.lines().find_map(address);
        Self {
            process,
            address: address.expect("it says where the store listens"),
        }
    }

    /// Returns those of `names` that are not there.
    fn missing<'a>(&self, names: &'a BTreeSet<String>) -> Vec<&'a str> {
        let there = self.names();
        let names = names.iter().map(String::as_str);
        names.filter(|name| !there.contains(*name)).collect()
    }

    /// Returns the names on all pages of the list.
    fn names(&self) -> BTreeSet<String> {
        let first = "/v1/namespaces/default/variables?limit=1000";
        let (mut path, mut names) = (first.to_owned(), BTreeSet::new());
        loop {
            let (status, body) = ask(&self.address, "GET", &path, "").unwrap();
            assert_eq!(status, 200, "{body}");
            let list: VariableList = serde_json::from_str(&body).unwrap();
            names.extend(list.variables.iter().map(|it| it.name.to_string()));
            match list.r#continue {
                Some(token) => path = format!("{first}&continue={token}"),
                None => return names,
            }
        }
    }

    /// Creates variables from many connections at once, kills the process amid that, and returns
    /// the names that were acknowledged.
    fn load_and_kill(mut self, round: u64) -> Vec<String> {
        let (acknowledge, acknowledged) = mpsc::channel();
        let mut random = StdRng::seed_from_u64(round);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let acknowledge = acknowledge.clone();
                let address = &self.address;
                scope.spawn(move || create_until_killed(address, (round, writer), &acknowledge));
            }
            drop(acknowledge);
            let some = random.random_range(1..100);
            let mut names: Vec<_> = acknowledged.iter().take(some).collect();
            // Away from the instant at which an answer has just come.
            thread::sleep(Duration::from_micros(random.random_range(0..3000)));
            self.process.kill().unwrap();
            self.process.wait().unwrap();
            names.extend(acknowledged.iter());
            names
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

fn create_until_killed(
    address: &str,
    (round, writer): (u64, usize),
    acknowledge: &mpsc::Sender<String>,
) {
    for number in 0.. {
        let name = format!("kill/{round}/{writer}/{number}");
        let body = format!(r#"{{"variable":"{name}"}}"#);
        match ask(address, "POST", "/", &body) {
            Ok((201, _)) => acknowledge.send(name).unwrap(),
            Ok((status, body)) => panic!("{status}: {body}"),
            Err(_) => return,
        }
    }
}

/// Makes one request on a connection of its own; an answer that is cut off is an error.
fn ask(address: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}
