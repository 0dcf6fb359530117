//! The token that a pod presents to a store with TLS.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;

use super::{
    api::Authority,
    client::{Ended, Pod, start},
    server::{Reply, Request, Server},
};

/// A token as no message may show it.
const TOKEN: &str = "eyJhbGciOi.secret-of-the-pod";

/// A store with TLS, and a pod with a token for it.
struct Secured {
    server: Server,
    pod: Pod,
    ca: String,
}

impl Secured {
    fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let authority = Authority::new();
        let server = Server::start_tls(&authority, answer);
        let pod = Pod::new(format!("https://localhost:{}", server.address.port()));
        fs::write(pod.file("token"), TOKEN).unwrap();
        let ca = authority.pem();
        Self { server, pod, ca }
    }

    fn token_file(&self) -> PathBuf {
        self.pod.file("token")
    }

    fn client(&self, args: &[&str]) -> Command {
        let mut client = self.pod.client(args);
        client
            .env("ONCUE_CA", &self.ca)
            .env("ONCUE_TOKEN_FILE", self.token_file());
        client
    }

    fn run(&self, args: &[&str]) -> Ended {
        let ended = start(self.client(args)).end();
        self.assert_hides(&ended);
        ended
    }

    fn assert_hides(&self, ended: &Ended) {
        let log = ended.log.join("\n");
        let message = fs::read_to_string(self.pod.file("termination-log"));
        for text in [log, message.unwrap_or_default()] {
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Answers as a store that knows everyone.
fn welcome(request: &Request) -> Reply {
    match &*request.line {
        "GET /v1/identity" => Reply::Json(200, json!({})),
        line if line.starts_with("PUT") => Reply::Json(201, json!({})),
        _ => Reply::held(),
    }
}

#[test]
fn the_token_is_presented_first_and_read_again_for_each_request() {
    let secured = Secured::new(welcome);
    let path = secured.token_file();
    let rotating = Secured::new(move |request| {
        fs::write(&path, format!("token-{}", request.number)).unwrap();
        welcome(request)
    });
    let mut client = rotating.client(&["wait", "--signal=a/b", "a"]);
    client.env("ONCUE_TOKEN_FILE", secured.token_file());
    start(client).end().assert_code(0);
    let requests = [(); 3].map(|()| rotating.server.request());
    let lines = requests.clone().map(|request| request.line);
    let expected = [
        "GET /v1/identity",
        "POST /v1/namespaces/shop/wait",
        "PUT /v1/namespaces/shop/variables/a/b",
    ];
    assert_eq!(lines, expected);
    let tokens = requests.map(|request| request.token.unwrap());
    assert_eq!(
        tokens,
        [bearer(TOKEN), bearer("token-0"), bearer("token-1")]
    );
}

#[test]
fn a_pod_without_terms_presents_its_token_too_and_a_failure_is_told_once() {
    let secured = Secured::new(|_| Reply::Problem(401, "the token has expired"));
    let ended = secured.run(&["wait"]);
    ended.assert_code(0);
    ended.assert_says("failed to present the token of this pod: the store at https://localhost:");
    ended.assert_says("answered 401 Unauthorized: the token has expired");
    assert_eq!(secured.server.request().line, "GET /v1/identity");
    assert!(!secured.server.was_asked(), "one attempt is enough");
    let older = Secured::new(|_| Reply::Problem(404, "no such resource"));
    let ended = older.run(&["wait"]);
    ended.assert_code(0);
    assert_eq!(ended.log.len(), 2, "{:#?}", ended.log);
}

#[test]
fn a_wait_goes_on_while_the_store_denies_it() {
    for status in [401, 403] {
        let secured = Secured::new(move |request| match request.number {
            0 | 1 | 3 => Reply::Problem(status, "this is not your pod"),
            _ => welcome(request),
        });
        let ended = secured.run(&["wait", "--signal=a/b", "a"]);
        ended.assert_code(0);
        ended.assert_says("Warning: no access to the store: the store at https://localhost:");
        ended.assert_says(": this is not your pod; trying again");
        ended.assert_says("Trying to signal a/b");
        ended.assert_says("Signalled: a/b");
    }
}

#[test]
fn a_wait_goes_on_while_there_is_no_token() {
    for (content, said) in [
        (None, "failed to read the token file "),
        (Some(""), "is empty"),
        (Some("sec\0ret"), "holds no token"),
    ] {
        let secured = Secured::new(welcome);
        match content {
            None => fs::remove_file(secured.token_file()).unwrap(),
            Some(content) => fs::write(secured.token_file(), content).unwrap(),
        }
        let mut client = start(secured.client(&["wait", "a"]));
        client.says(said);
        assert!(!secured.server.was_asked(), "nothing is asked without it");
        fs::write(secured.token_file(), TOKEN).unwrap();
        let ended = client.end();
        ended.assert_code(0);
        secured.assert_hides(&ended);
        assert_eq!(secured.server.request().token, Some(bearer(TOKEN)));
    }
}

#[test]
fn the_marker_presents_the_token_of_its_pod_and_fails_for_no_denial() {
    let denies = Arc::new(AtomicBool::new(false));
    let denies_now = Arc::clone(&denies);
    let secured = Secured::new(move |request| {
        if denies_now.load(Ordering::SeqCst) {
            Reply::Problem(403, "this is not your pod")
        } else {
            welcome(request)
        }
    });
    let dir = secured.pod.dir();
    let ended = secured.run(&["wait", &dir, "--install", "--mark=a/b"]);
    ended.assert_code(0);
    assert_eq!(secured.server.request().line, "GET /v1/identity");
    let mark = || start(secured.pod.installed(&["create", "--marker"])).end();
    mark().assert_code(0);
    let request = secured.server.request();
    assert_eq!(request.line, "PUT /v1/namespaces/shop/variables/a/b");
    assert_eq!(request.token, Some(bearer(TOKEN)));
    denies.store(true, Ordering::SeqCst);
    let marked = mark();
    marked.assert_code(0);
    marked.assert_says("answered 403 Forbidden: this is not your pod; a controller may signal");
    fs::remove_file(secured.token_file()).unwrap();
    let without = mark();
    without.assert_code(0);
    without.assert_says("failed to read the token file ");
}

#[test]
fn a_store_of_another_ca_gets_no_token_and_the_wait_goes_on() {
    let secured = Secured::new(welcome);
    let mut client = secured.client(&["wait", "a"]);
    client.env("ONCUE_CA", Authority::new().pem());
    let mut client = start(client);
    client.says("none of the CAs that are trusted here has signed it; trying again");
    client.kill("-TERM");
    client.end().assert_code(143);
    assert!(!secured.server.was_asked());
}

#[test]
fn what_can_never_work_is_said_at_once() {
    let secured = Secured::new(welcome);
    let no_certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for (variable, value, said) in [
        ("ONCUE_CA", "rubbish", "there is no BEGIN CERTIFICATE in it"),
        ("ONCUE_CA", no_certificate, "it is no X.509 certificate"),
        (
            "ONCUE_SERVER",
            "http://127.0.0.1:9999",
            "a token is sent over TLS only, but http://127.0.0.1:9999 is not an https:// URL",
        ),
    ] {
        let mut client = secured.client(&["wait", "a"]);
        client.env(variable, value);
        let ended = start(client).end();
        ended.assert_code(2);
        ended.assert_says(said);
        secured.assert_hides(&ended);
    }
    assert!(!secured.server.was_asked());
}
