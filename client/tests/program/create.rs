//! `oncue-client create`, `exists` and `install`.

use std::{fs, net::TcpListener, time::Instant};

use serde_json::json;

use super::{
    client::{Pod, start},
    server::{Reply, Server},
};

fn mk_store() -> Server {
    Server::start(|_| Reply::Json(201, json!({})))
}

/// A pod whose wait has left a marker for `a/b=v`.
fn mk_marked(server: impl Into<String>) -> Pod {
    let pod = Pod::new(server);
    let ended = pod.run(&["wait", &pod.dir(), "--install", "--mark=a/b=v"]);
    ended.assert_code(0);
    pod
}

#[test]
fn a_marker_signals_as_the_pod() {
    let server = mk_store();
    let pod = mk_marked(server.url());
    start(pod.installed(&["create", "--marker"]))
        .end()
        .assert_code(0);
    let request = server.request();
    assert_eq!(request.line, "PUT /v1/namespaces/shop/variables/a/b");
    let owner = json!({"namespace": "shop", "name": "web-0", "uid": "u-1"});
    assert_eq!(request.body, json!({"value": "v", "owner": owner}));
}

#[test]
fn the_users_own_hook_runs_first_and_its_exit_is_ours() {
    let server = mk_store();
    let pod = mk_marked(server.url());
    for (script, code) in [("exit 7", 7), ("kill -9 $$", 137)] {
        let hook = ["create", "--marker", "--", "sh", "-c", script];
        start(pod.installed(&hook)).end().assert_code(code);
    }
    let missing = ["create", "--marker", "--", "/no/such/hook"];
    start(pod.installed(&missing)).end().assert_code(127);
    let hook = ["create", "--marker", "--", "sh", "-c", "echo $0 --x", "--"];
    let ended = start(pod.installed(&hook)).end();
    ended.assert_code(0);
    ended.assert_says("-- --x");
    assert_eq!(
        server.request().number,
        0,
        "only the hook that succeeded was followed by a signal"
    );
}

#[test]
fn a_marker_fails_for_no_store_and_takes_two_seconds_at_most() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = Server::start(|_| Reply::Hold);
    let wrong = Server::start(|_| Reply::Problem(400, "no"));
    for (server, said) in [
        (format!("http://{closed}"), "connection refused"),
        (silent.url(), "; a controller may signal later"),
        (wrong.url(), "answered 400 Bad Request: no"),
        (
            "http://no.such.host.invalid.:1".to_owned(),
            "; a controller may signal later",
        ),
    ] {
        let pod = mk_marked(&server);
        let begun = Instant::now();
        let ended = start(pod.installed(&["create", "--marker"])).end();
        ended.assert_code(0);
        ended.assert_says(said);
        assert!(
            begun.elapsed().as_millis() < 4000,
            "{server}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_marker_that_finds_nothing_says_so_and_ends_well() {
    let pod = Pod::new("http://127.0.0.1:9");
    pod.run(&["install", pod.directory.path().to_str().unwrap()])
        .assert_code(0);
    let ended = start(pod.installed(&["create", "--marker"])).end();
    ended.assert_code(0);
    ended.assert_says("there is nothing to signal");
}

#[test]
fn a_client_that_a_wait_left_asks_the_store_of_its_pod() {
    let server = mk_store();
    let pod = Pod::new(server.url());
    pod.run(&["wait", &pod.dir(), "--install"]).assert_code(0);
    start(pod.installed(&["create", "a/b"]))
        .end()
        .assert_code(0);
    let request = server.request();
    assert_eq!(request.line, "PUT /v1/namespaces/shop/variables/a/b");
    assert_eq!(request.body, json!({}), "no pod owns it");
}

#[test]
fn what_is_named_comes_before_what_a_wait_left() {
    let (left, named) = (mk_store(), mk_store());
    let pod = Pod::new(left.url());
    pod.run(&["wait", &pod.dir(), "--install"]).assert_code(0);
    let client = |args: &[&str], variable: (&str, &str)| {
        let mut client = pod.installed(args);
        client.env(variable.0, variable.1);
        start(client).end().assert_code(0);
    };
    client(&["create", "a"], ("ONCUE_SERVER", &named.url()));
    let server = format!("--server={}", named.url());
    client(&["create", &server, "a"], ("POD_NAMESPACE", "other"));
    client(
        &["create", "--namespace=third", "a"],
        ("POD_NAMESPACE", "other"),
    );
    for (store, namespace) in [(&named, "shop"), (&named, "other"), (&left, "third")] {
        let expected = format!("PUT /v1/namespaces/{namespace}/variables/a");
        assert_eq!(store.request().line, expected);
    }
}

#[test]
fn a_file_of_the_pod_that_makes_no_sense_is_named() {
    let pod = Pod::new("http://127.0.0.1:9");
    pod.run(&["install", pod.directory.path().to_str().unwrap()])
        .assert_code(0);
    fs::write(pod.file("pod.json"), "{").unwrap();
    let ended = start(pod.installed(&["exists", "a"])).end();
    ended.assert_code(1);
    ended.assert_says("pod.json");
}

#[test]
fn creates_by_hand() {
    let server = Server::start(|request| match request.number {
        0 => Reply::Json(201, json!({})),
        _ => Reply::Json(200, json!({})),
    });
    let ended = Pod::new(server.url()).run(&["create", "--namespace=other", "a/b=v", "c"]);
    ended.assert_code(0);
    ended.assert_says("Created: a/b=v");
    ended.assert_says("Already there: c");
    let request = server.request();
    assert_eq!(request.line, "PUT /v1/namespaces/other/variables/a/b");
    assert_eq!(request.body, json!({"value": "v"}), "no pod owns it");
}

#[test]
fn exists_tells_by_its_exit_code_and_names_what_is_missing() {
    let server = Server::start(|request| {
        if request.line.ends_with("/variables/a/b") {
            Reply::Json(200, json!({"name": "a/b"}))
        } else {
            Reply::Problem(404, "no such variable")
        }
    });
    let pod = Pod::new(server.url());
    pod.run(&["exists", "a/b", "/a//b/"]).assert_code(0);
    let ended = pod.run(&["exists", "a/b", "c", "d"]);
    ended.assert_code(1);
    assert_eq!(ended.log, ["Missing: c", "Missing: d"]);
}

#[test]
fn a_404_that_is_not_the_stores_is_no_answer() {
    let server = Server::start(|_| Reply::Json(404, json!({})));
    let ended = Pod::new(server.url()).run(&["exists", "a"]);
    ended.assert_code(1);
    ended.assert_says("not in the words of a store");
}

#[test]
fn help_and_version_need_nothing() {
    let pod = Pod::new("nonsense");
    pod.run(&["--help"])
        .assert_says("Usage: oncue-client COMMAND");
    pod.run(&["--version"]).assert_says(oncue_client::VERSION);
    let ended = pod.run(&["wait", "a"]);
    ended.assert_code(2);
    ended.assert_says("\"nonsense\" is not the URL of a store");
}
