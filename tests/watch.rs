//! Commands that print continuously: they outlive the store, and end with their reader.
//!
//! `oncue vars watch` once ended when the store restarted, and neither it nor
//! `oncue status --watch` ended when `head` had read enough.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Read},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::{net::TcpListener, runtime::Runtime};

/// What a store answers to one request.
enum Answer {
    /// Lines, after which it ends.
    Cut(Vec<String>),
    /// The same, again and again.
    Repeated(String),
    /// Its words for a request that is wrong.
    Refused,
    /// That it is not there.
    Unavailable,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let lines = |lines: Vec<String>| {
            let lines = lines.into_iter().map(|line| format!("{line}\n"));
            stream::iter(lines.map(Ok::<_, Infallible>))
        };
        match self {
            Self::Cut(all) => Body::from_stream(lines(all)).into_response(),
            Self::Repeated(line) => {
                let line = Ok::<_, Infallible>(format!("{line}\n"));
                Body::from_stream(stream::repeat(line)).into_response()
            }
            Self::Refused => {
                let json = [("content-type", "application/problem+json")];
                let problem = r#"{"title": "no", "detail": "no such namespace"}"#;
                (StatusCode::BAD_REQUEST, json, problem).into_response()
            }
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

/// A store that answers what is prepared, request by request.
struct Store {
    _runtime: Runtime,
    url: String,
}

impl Store {
    fn start(answers: impl Iterator<Item = Answer> + Send + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let bound = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers));
        let answer = async move || answers.lock().unwrap().next().unwrap_or(Answer::Refused);
        let router = Router::new().fallback(answer);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            _runtime: runtime,
            url,
        }
    }

    fn run(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
        command.args(args).args(["--server", &self.url]).env_clear();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

fn line(change: &str, name: &str, value: &str) -> String {
    let assertion =
        format!(r#"{{"kind":"durable","value":"{value}","since":"2026-01-01T00:00:00Z"}}"#);
    format!(
        r#"{{"type":"{change}","revision":"e-1","namespace":"default","name":"{name}","assertion":{assertion}}}"#
    )
}

fn bookmark() -> String {
    r#"{"type":"BOOKMARK","revision":"e-1"}"#.to_owned()
}

/// Returns how the command ends, and what it says beside its output; it is given time, and no more.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = child.stderr.take().unwrap();
    let (told, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = stderr.read_to_string(&mut text);
        told.send(read.map(|_| text)).unwrap();
    });
    let said = said.recv_timeout(Duration::from_secs(20));
    if said.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    (status.code(), said.expect("it ends").unwrap())
}

#[test]
fn a_watch_goes_on_where_the_store_comes_back_and_prints_what_differs() {
    let answers = [
        Answer::Cut(vec![
            line("ADDED", "changes", "1"),
            line("ADDED", "goes", "1"),
            line("ADDED", "stays", "1"),
            bookmark(),
        ]),
        Answer::Unavailable,
        Answer::Cut(vec![
            line("ADDED", "changes", "2"),
            line("ADDED", "stays", "1"),
            bookmark(),
        ]),
    ];
    let store = Store::start(answers.into_iter());
    let mut child = store.run(&["vars", "watch"]);
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    let words = printed.lines().map(|line| {
        let mut words = line.split_whitespace();
        [words.next().unwrap(), words.next().unwrap()]
    });
    let expected = [
        ["ADDED", "changes"],
        ["ADDED", "goes"],
        ["ADDED", "stays"],
        ["MODIFIED", "changes"],
        ["DELETED", "goes"],
    ];
    assert_eq!(words.collect::<Vec<_>>(), expected, "{printed}");
    // What the store refuses in its own words ends it.
    let (code, said) = end(child);
    assert_eq!(code, Some(1), "{said}");
    let away = "note: the store ended the watch; trying again\n";
    assert!(said.starts_with(&format!("{away}{away}error: ")), "{said}");
    assert!(said.contains("no such namespace"), "{said}");
}

#[test]
fn a_watch_that_cannot_begin_is_an_error() {
    let store = Store::start([Answer::Unavailable].into_iter());
    let (code, said) = end(store.run(&["vars", "watch"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("error: "), "{said}");
}

/// Reads one line, as `head -1` does.
fn read_one_line(child: &mut Child) {
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_ne!(line, "");
}

#[test]
fn a_watch_ends_with_its_reader() {
    let store = Store::start([Answer::Repeated(line("ADDED", "a", "1"))].into_iter());
    let mut child = store.run(&["vars", "watch"]);
    read_one_line(&mut child);
    assert_eq!(end(child), (Some(0), String::new()));
}

#[test]
fn a_status_that_is_watched_ends_with_its_reader() {
    let waiters = |revision| {
        let waiters = format!(r#"{{"revision":"e-{revision}","waiters":[]}}"#);
        Answer::Cut(vec![waiters])
    };
    let store = Store::start((0..).map(waiters));
    let mut child = store.run(&["status", "--watch", "--output", "json"]);
    read_one_line(&mut child);
    assert_eq!(end(child), (Some(0), String::new()));
}
