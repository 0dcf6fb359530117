//! `oncue-client create`, `exists` and `install`.

use std::fs;

use serde_json::json;

use super::{
    client::{Pod, start},
    server::{Reply, Server},
};

fn mk_store() -> Server {
    Server::start(|_| Reply::Json(201, json!({})))
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
