//! Runs `examples/first-second/by-hand.sh`, the calls of the service that oncue grew from, against
//! a real `oncue serve`.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server on ports of its own, and returns it with the store's URL.
fn serve(data: &str) -> (Server, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_oncue"))
        .args(["serve", "--data", data])
        .args([
            "--http",
            "127.0.0.1:0",
            "--webhook",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let mut lines = BufReader::new(server.0.stdout.as_mut().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().split_whitespace().last().map(str::to_owned));
    (server, url.unwrap())
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

#[test]
fn the_calls_of_curl_and_wget_still_work() {
    if !["curl", "wget"].into_iter().all(is_installed) {
        eprintln!("skipped: curl and wget are needed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let (_server, url) = serve(data.path().to_str().unwrap());
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/first-second/by-hand.sh"
    );
    let output = Command::new(script)
        .env("ONCUE_SERVER", &url)
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{out}{err}");
    let codes: Vec<_> = out
        .lines()
        .filter(|line| line.parse::<u16>().is_ok())
        .collect();
    assert_eq!(codes, ["404", "201", "200"], "{out}");
    for variable in ["\"first/container\"", "\"second/dependent\""] {
        assert!(out.contains(variable), "{out}");
    }
}
