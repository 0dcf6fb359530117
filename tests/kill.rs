//! A store process that is killed at any instant, under load: what it acknowledged is there when it
//! starts again on the same directory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

const KILLS: u64 = 50;
const WRITERS: usize = 8;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let server = Server::start(directory.path());
        server.has_all(&acknowledged, round);
        let before = acknowledged.len();
        acknowledged.extend(server.load_and_kill(round));
        assert!(acknowledged.len() > before, "round {round}: nothing was acknowledged");
    }
    Server::start(directory.path()).has_all(&acknowledged, KILLS);
}
