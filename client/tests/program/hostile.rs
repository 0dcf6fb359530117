//! A server that is no store, or a store that passes on what other people wrote.

use std::time::Duration;

use oncue_client::api::{Api, ApiError, Endpoint};
use serde_json::{Value, json};

use super::{
    client::Pod,
    names::mk_names,
    server::{Reply, Server},
};

fn mk_api(server: &Server) -> Api {
    let (_files, names) = mk_names(&[]);
    let endpoint = Endpoint::new(server.url().parse().unwrap());
    Api::new(&endpoint, &names).unwrap()
}

/// Returns what is wrong with the answer of this server.
fn ask(server: &Server) -> ApiError {
    mk_api(server).get::<Value>("/v1/waiters").unwrap_err()
}

/// A chunk of a body that is never whole.
fn mk_chunk() -> String {
    format!("400\r\n{}\r\n", " ".repeat(0x400))
}

#[test]
fn an_answer_without_end_is_left_after_a_mebibyte() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let error = ask(&Server::start(move |_| Reply::Endless(head, mk_chunk())));
    assert!(matches!(error, ApiError::Garbled { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("it is longer than 1048576 bytes"),
        "{error}"
    );
}

#[test]
fn a_problem_text_without_end_is_not_read() {
    let head = "HTTP/1.1 507 Full\r\ncontent-type: application/problem+json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let error = ask(&Server::start(move |_| Reply::Endless(head, mk_chunk())));
    assert!(matches!(error, ApiError::Status { .. }), "{error}");
    assert!(error.to_string().contains("answered 507"), "{error}");
}

#[test]
fn headers_without_end_are_not_read() {
    let header = "x-header: x\r\n".repeat(64);
    let error = ask(&Server::start(move |_| {
        Reply::Endless("HTTP/1.1 200 OK\r\n", header.clone())
    }));
    assert!(error.to_string().contains("header"), "{error}");
}

#[test]
fn an_answer_that_stops_halfway_is_given_up() {
    let server = Server::start(|_| Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"));
    let api = mk_api(&server).with_patience(Duration::from_millis(100));
    let error = api.get::<Value>("/v1/waiters").unwrap_err().to_string();
    assert!(error.contains("timed out"), "{error}");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| Reply::held());
    let location = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url()
    );
    let error = ask(&Server::start(move |_| {
        Reply::Bytes(location.clone().into_bytes())
    }));
    assert!(error.to_string().contains("answered 302 Found"), "{error}");
    assert!(!elsewhere.was_asked());
}

#[test]
fn an_answer_that_is_not_the_stores_is_said_as_such() {
    for body in [json!([]), json!({"revision": 1}), json!("<html>")] {
        let server = Server::start(move |request| match request.number {
            0 => Reply::Json(200, body.clone()),
            _ => Reply::held(),
        });
        let ended = Pod::new(server.url()).run(&["wait", "a"]);
        ended.assert_code(0);
        ended.assert_says("no answer from the store: failed to read the answer of");
    }
}

#[test]
fn text_of_other_people_does_not_reach_the_terminal_as_it_is() {
    let reason = "exists\n\u{1b}[2JReady after 0s\u{202e}\u{200b}";
    let escaped = r"exists\n\u{1b}[2JReady after 0s\u{202e}\u{200b}";
    let server = Server::start(move |_| {
        let term = json!({"term": "!a", "state": "failed", "reason": reason});
        Reply::Json(
            200,
            json!({"revision": "e-1", "outcome": "failed", "terms": [term]}),
        )
    });
    let pod = Pod::new(server.url());
    let ended = pod.run(&["wait", "!a"]);
    ended.assert_code(3);
    ended.assert_says(&format!("!a ({escaped})"));
    assert!(
        pod.termination_message()
            .ends_with(&format!("!a ({escaped})"))
    );
    let server = Server::start(move |_| Reply::Problem(400, "no\r\n\u{9b}31mfriend"));
    let ended = Pod::new(server.url()).run(&["create", "a"]);
    ended.assert_code(1);
    ended.assert_says(r"no\r\n\u{9b}31mfriend");
}

#[test]
fn a_long_reason_makes_no_endless_line() {
    let server = Server::start(|_| {
        let term = json!({"term": "!a", "state": "failed", "reason": "x".repeat(900_000)});
        Reply::Json(
            200,
            json!({"revision": "e-1", "outcome": "failed", "terms": [term]}),
        )
    });
    let ended = Pod::new(server.url()).run(&["wait", "!a"]);
    ended.assert_code(3);
    let longest = ended.log.iter().map(String::len).max().unwrap();
    assert_eq!(longest, 16 << 10);
}
