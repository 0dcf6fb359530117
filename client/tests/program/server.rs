//! An HTTP server whose answers are written by the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::api::Authority;

/// A server on loopback, for as long as the test's process lives.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Receiver<Request>,
    hang_ups: Receiver<usize>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// How many connections were made before its own.
    pub(crate) connection: usize,
    /// How many came before it.
    pub(crate) number: usize,
    /// The method and the path.
    pub(crate) line: String,
    /// The header `Authorization`.
    pub(crate) token: Option<String>,
    pub(crate) body: Value,
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Answers with this status and an empty body.
    Empty(u16),
    /// Sends the first text once, and the second one again and again.
    Endless(&'static str, String),
    /// Closes the connection without a word.
    HangUp,
    /// Says nothing until the client closes the connection.
    Hold,
    /// Answers with this status and JSON.
    Json(u16, Value),
    /// Answers with this status and problem document.
    Problem(u16, &'static str),
    /// Sends this text and then nothing until the client closes the connection.
    Stall(&'static str),
}

impl Reply {
    /// An answer to a wait: one state a term, and a reason where it is not `held`.
    pub(crate) fn states(states: &[&str]) -> Self {
        let terms: Vec<_> = states
            .iter()
            .map(|state| match *state {
                "held" => json!({"term": "t", "state": state}),
                _ => json!({"term": "t", "state": state, "reason": "does not exist"}),
            })
            .collect();
        let outcome = match states {
            states if states.contains(&"failed") => "failed",
            states if states.contains(&"missing") => "missing",
            _ => "held",
        };
        Self::Json(
            200,
            json!({"revision": "e-1", "outcome": outcome, "terms": terms}),
        )
    }

    pub(crate) fn held() -> Self {
        Self::states(&["held"])
    }

    pub(crate) fn missing() -> Self {
        Self::states(&["missing"])
    }
}

impl Server {
    /// Starts a server that answers as `answer` says; it may block for as long as it likes.
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_wrapped(answer, |stream| stream)
    }

    /// Starts a server with TLS, whose certificate for `localhost` is of `authority`.
    pub(crate) fn start_tls(
        authority: &Authority,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let config = authority.server_config("localhost");
        Self::start_wrapped(answer, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            StreamOwned::new(connection, stream)
        })
    }

    fn start_wrapped<S: Read + Write + Send + 'static>(
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        let (on_hang_up, hang_ups) = mpsc::channel();
        let answerer = Arc::new(Answerer {
            answer: Box::new(answer),
            count: AtomicUsize::new(0),
            sender: Mutex::new(sender),
            on_hang_up: Mutex::new(on_hang_up),
        });
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let answerer = Arc::clone(&answerer);
                let stream = wrap(stream.unwrap());
                thread::spawn(move || answerer.serve(connection, stream));
            }
        });
        Self {
            address,
            requests,
            hang_ups,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the next request, once it has come.
    pub(crate) fn request(&self) -> Request {
        self.requests
            .recv_timeout(Duration::from_secs(30))
            .expect("a request was expected")
    }

    /// Returns whether a request has come that nobody has looked at.
    pub(crate) fn was_asked(&self) -> bool {
        self.requests.try_recv().is_ok()
    }

    /// Returns the number of the next held request that the client gives up, once it has.
    pub(crate) fn given_up(&self) -> usize {
        self.hang_ups
            .recv_timeout(Duration::from_secs(30))
            .expect("a request was expected to be given up")
    }
}

struct Answerer {
    answer: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    count: AtomicUsize,
    sender: Mutex<Sender<Request>>,
    on_hang_up: Mutex<Sender<usize>>,
}

impl Answerer {
    fn serve(&self, connection: usize, stream: impl Read + Write) {
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader) {
            let request = Request {
                connection,
                number: self.count.fetch_add(1, Ordering::SeqCst),
                ..request
            };
            // The test may have seen enough.
            let _ = self.sender.lock().unwrap().send(request.clone());
            let bytes = match (self.answer)(&request) {
                Reply::Bytes(bytes) => {
                    let _ = reader.get_mut().write_all(&bytes);
                    return;
                }
                Reply::Empty(status) => {
                    format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n").into_bytes()
                }
                Reply::Endless(head, rest) => {
                    let stream = reader.get_mut();
                    let _ = stream.write_all(head.as_bytes());
                    while stream.write_all(rest.as_bytes()).is_ok() {}
                    return;
                }
                Reply::HangUp => return,
                Reply::Hold => {
                    let _ = reader.read(&mut [0]);
                    let _ = self.on_hang_up.lock().unwrap().send(request.number);
                    return;
                }
                Reply::Json(status, body) => response(status, "application/json", &body),
                Reply::Problem(status, detail) => {
                    let body = json!({"title": "A problem", "detail": detail, "status": status});
                    response(status, "application/problem+json", &body)
                }
                Reply::Stall(text) => {
                    let _ = reader.get_mut().write_all(text.as_bytes());
                    let _ = reader.read(&mut [0]);
                    return;
                }
            };
            if reader.get_mut().write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

/// Reads one request, `None` where the client has gone. It counts neither connections nor requests.
pub(crate) fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut length = 0;
    let mut token = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? == 0 {
            return None;
        }
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                token = Some(value.to_owned());
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Request {
        connection: 0,
        number: 0,
        line,
        token,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

pub(crate) fn response(status: u16, content_type: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
