//! `oncue-client wait`.

use std::{
    fs, io,
    net::TcpListener,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use oncue_client::{
    Surroundings,
    interrupts::Interrupts,
    names::Names,
    prober::SocketProber,
    surroundings::{Clock, Console},
};
use serde_json::json;

use super::{
    client::{Pod, mk_environment, start},
    server::{Reply, Server},
};

#[test]
fn is_released_by_a_held_answer() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let server = Server::start(move |request| {
        if request.number == 0 {
            return Reply::missing();
        }
        released.lock().unwrap().recv().unwrap();
        Reply::held()
    });
    let pod = Pod::new(server.url());
    let mut client = start(pod.client(&["wait", "first/container within 2m"]));
    client.says("Checking: first/container within 2m");
    client.says("Waiting for 1 of 1: first/container within 2m (does not exist)");
    let first = server.request();
    assert_eq!(first.line, "POST /v1/namespaces/shop/wait");
    assert_eq!(first.body["terms"], json!(["first/container within 2m"]));
    assert_eq!(first.body["revision"], json!(null));
    let waiter = json!({"namespace": "shop", "name": "web-0", "uid": "u-1"});
    assert_eq!(first.body["waiter"], waiter);
    let since = first.body["since"].as_str().unwrap();
    assert!(since.starts_with("20") && since.ends_with('Z'), "{since}");
    assert_eq!(server.request().body["revision"], "e-1", "this one is held");
    release.send(()).unwrap();
    let ended = client.end();
    ended.assert_code(0);
    ended.assert_says("Ready after ");
    assert!(pod.termination_message().starts_with("Ready after "));
}

#[test]
fn asks_again_whatever_a_store_does_wrong() {
    for (wrong, said) in [
        ("hangs up", "Warning: no answer from the store"),
        ("no http", "Warning: no answer from the store"),
        ("plain 500", "answered 500"),
        ("503", "answered 503 Service Unavailable: too many wait"),
        (
            "404 of a proxy",
            "answered 404 Not Found, and not in the words of a store",
        ),
        ("no json", "failed to read the answer"),
        ("other terms", "another number of terms"),
        ("other state", "failed to read the answer"),
    ] {
        let server = Server::start(move |request| match (request.number, wrong) {
            (0, "hangs up") => Reply::HangUp,
            (0, "no http") => Reply::Bytes(vec![0xff; 100]),
            (0, "plain 500") => Reply::Json(500, json!("oops")),
            (0, "503") => Reply::Problem(503, "too many wait"),
            (0, "404 of a proxy") => Reply::Json(404, json!({})),
            (0, "no json") => Reply::Json(200, json!("<html>")),
            (0, "other terms") => Reply::states(&["held", "held"]),
            (0, _) => Reply::states(&["perhaps"]),
            _ => Reply::held(),
        });
        let ended = Pod::new(server.url()).run(&["wait", "a"]);
        ended.assert_code(0);
        ended.assert_says(said);
    }
}

/// As where a node that boots does not lead to its Services yet.
#[test]
fn leaves_a_connection_on_which_something_else_answers() {
    let server = Server::start(|request| match request.connection {
        0 => Reply::Empty(404),
        _ => Reply::held(),
    });
    let pod = Pod::new(server.url());
    let mut client = start(pod.client(&["wait", "a"]));
    client.says("answered 404 Not Found, and not in the words of a store");
    let mut requests = (0..6).map(|_| server.request());
    assert!(requests.any(|request| request.connection > 0));
    client.end().assert_code(0);
}

#[test]
fn waits_until_the_store_is_up() {
    let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let pod = Pod::new(format!("http://{address}"));
    let mut client = start(pod.client(&["wait", "a"]));
    client.says("connection refused; trying again");
    let listener = TcpListener::bind(address).unwrap();
    drop(listener.accept().unwrap());
    client.kill("-TERM");
    client.end().assert_code(143);
}

#[test]
fn ends_where_the_store_says_that_the_terms_are_wrong() {
    let server = Server::start(|_| Reply::Problem(400, "this store watches no objects"));
    let pod = Pod::new(server.url());
    let ended = pod.run(&["wait", "job:migrate"]);
    ended.assert_code(1);
    ended.assert_says("Refused after ");
    assert!(
        pod.termination_message()
            .contains("this store watches no objects")
    );
}

#[test]
fn a_failure_term_ends_with_its_own_code() {
    let server = Server::start(|_| Reply::states(&["held", "failed"]));
    let ended = Pod::new(server.url()).run(&["wait", "a", "!migrate/failed"]);
    ended.assert_code(3);
    ended.assert_says("Failed after ");
    ended.assert_says("!migrate/failed (does not exist)");
}

#[test]
fn after_a_timeout_it_stays_inside_until_it_is_ready_late() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let server = Server::start(move |request| {
        if request.body["revision"].is_null() {
            return Reply::missing();
        }
        released.lock().unwrap().recv().unwrap();
        Reply::held()
    });
    let pod = Pod::new(server.url());
    let args = ["wait", &pod.dir(), "--timeout=1ms", "a"];
    let ended = pod.run(&args);
    ended.assert_code(124);
    ended.assert_says("Timed out after ");
    assert!(pod.file("failed").exists() && pod.file("started").exists());
    let mut late = start(pod.client(&args));
    late.says("Overdue for ");
    release.send(()).unwrap();
    release.send(()).unwrap();
    late.end().assert_code(0);
    assert!(!pod.file("failed").exists() && !pod.file("started").exists());
}

#[test]
fn sigterm_ends_it_at_once_with_its_message() {
    for (signal, name, code) in [("-TERM", "SIGTERM", 143), ("-INT", "SIGINT", 130)] {
        let server = Server::start(|request| match request.number {
            0 => Reply::missing(),
            _ => Reply::Hold,
        });
        let pod = Pod::new(server.url());
        let mut client = start(pod.client(&["wait", "a"]));
        client.says("Checking: a");
        client.says("Waiting for");
        client.kill(signal);
        client.end().assert_code(code);
        let message = pod.termination_message();
        assert!(
            message.starts_with(&format!("Stopped by {name} after ")),
            "{message}"
        );
        assert!(
            message.contains("still missing a (does not exist)"),
            "{message}"
        );
    }
}

#[test]
fn signals_once_the_wait_is_over_and_tries_until_the_store_takes_them() {
    let server = Server::start(|request| match request.number {
        0 => Reply::Problem(507, "the disk is full"),
        1 => Reply::HangUp,
        _ => Reply::Json(201, json!({})),
    });
    let pod = Pod::new(server.url());
    let ended = pod.run(&["wait", "--signal=web/init=7", "--signal=b"]);
    ended.assert_code(0);
    ended.assert_says("Trying to signal web/init");
    ended.assert_says("the disk is full");
    let request = server.request();
    assert_eq!(request.line, "PUT /v1/namespaces/shop/variables/web/init");
    let owner = json!({"namespace": "shop", "name": "web-0", "uid": "u-1"});
    assert_eq!(request.body, json!({"value": "7", "owner": owner}));
    server.request();
    server.request();
    assert_eq!(server.request().line, "PUT /v1/namespaces/shop/variables/b");
}

/// Time that goes by while somebody sleeps, and at no other time.
#[derive(Default)]
struct SleepClock(Mutex<Duration>);

impl SleepClock {
    fn pass(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

impl Clock for SleepClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn since_epoch(&self) -> Duration {
        self.now()
    }

    fn in_reality(&self, duration: Duration) -> Duration {
        self.pass(duration);
        Duration::ZERO
    }
}

/// Returns the surroundings of a pod whose clock is set by hand.
fn mk_surroundings(server: &Server, clock: &Arc<SleepClock>) -> Surroundings {
    let names = Names::of_the_system();
    Surroundings {
        clock: clock.clone(),
        console: Console::new(io::sink(), io::sink()),
        environment: mk_environment(&server.url()),
        executable: PathBuf::new(),
        interrupts: Interrupts::Nobody,
        prober: Arc::new(SocketProber::new(names.clone())),
        names,
    }
}

#[test]
fn the_pauses_between_refused_signals_grow_after_a_long_wait_too() {
    let clock = Arc::new(SleepClock::default());
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let (seen, noted) = (clock.clone(), attempts.clone());
    let server = Server::start(move |request| {
        if request.number == 0 {
            seen.pass(Duration::from_secs(10));
            return Reply::held();
        }
        let mut attempts = noted.lock().unwrap();
        attempts.push(seen.now());
        if seen.now() < attempts[0] + Duration::from_secs(5) && attempts.len() < 100 {
            Reply::Problem(503, "too busy")
        } else {
            Reply::Json(201, json!({}))
        }
    });
    let args = ["wait", "a", "--signal=b"].map(Into::into);
    let exit = oncue_client::run(args, &mk_surroundings(&server, &clock));
    assert_eq!(exit, ExitCode::SUCCESS);
    let attempts = attempts.lock().unwrap();
    assert!((5..8).contains(&attempts.len()), "{attempts:?}");
}

const HERE: &str = "PUT /v1/namespaces/shop/variables/here";

/// As of two pods that wait for each other.
#[test]
fn signals_beside_the_wait_and_again_once_it_is_over() {
    let (signalled, is_signalled) = mpsc::channel();
    let is_signalled = Mutex::new(is_signalled);
    let attempts = AtomicUsize::new(0);
    let server = Server::start(move |request| match &*request.line {
        HERE if attempts.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::Problem(507, "the disk is full")
        }
        HERE => {
            signalled.send(()).unwrap();
            Reply::Json(201, json!({}))
        }
        line if line.starts_with("POST") => {
            is_signalled.lock().unwrap().recv().unwrap();
            Reply::held()
        }
        _ => Reply::Json(201, json!({})),
    });
    let pod = Pod::new(server.url());
    let ended = pod.run(&["wait", "--signal=done", "--signal-on-wait=here=1", "peer"]);
    ended.assert_code(0);
    ended.assert_says("Trying to signal here");
    ended.assert_says("Signalled: here");
    let requests: Vec<_> = (0..4).map(|_| server.request()).collect();
    let here = requests.iter().find(|it| it.line == HERE).unwrap();
    let owner = json!({"namespace": "shop", "name": "web-0", "uid": "u-1"});
    assert_eq!(here.body, json!({"value": "1", "owner": owner}));
    let last = requests.last().unwrap();
    assert_eq!(last.line, "PUT /v1/namespaces/shop/variables/done");
}

#[test]
fn a_signal_that_does_not_get_through_delays_no_wait() {
    let server = Server::start(|request| match &*request.line {
        HERE => Reply::Problem(507, "the disk is full"),
        _ => Reply::held(),
    });
    let ended = Pod::new(server.url()).run(&["wait", "--signal-on-wait=here", "peer"]);
    ended.assert_code(0);
    ended.assert_says("Trying to signal here");
    ended.assert_says("Warning: gave up signalling here; a controller may signal it later");
}

/// As injected without a controller: the pod must not start before the signal is there.
#[test]
fn a_signal_beside_the_wait_never_comes_after_the_one_of_its_name_after_the_wait() {
    let (attempted, is_attempted) = mpsc::channel();
    let is_attempted = Mutex::new(is_attempted);
    let values = Arc::new(Mutex::new(Vec::new()));
    let put = Arc::clone(&values);
    let server = Server::start(move |request| {
        if request.line != HERE {
            is_attempted.lock().unwrap().recv().unwrap();
            return Reply::held();
        }
        // Nobody receives them once the wait is answered.
        let _ = attempted.send(());
        let value = request.body["value"].clone();
        put.lock().unwrap().push(value.clone());
        match value.as_str() {
            Some("1") => Reply::Problem(507, "the disk is full"),
            _ => Reply::Json(201, json!({})),
        }
    });
    let signals = ["--signal-on-wait=here=1", "--signal=here=2"];
    let ended = Pod::new(server.url()).run(&["wait", signals[0], signals[1], "peer"]);
    ended.assert_code(0);
    ended.assert_says("Signalled: here");
    let gave_up = ended.log.iter().any(|line| line.contains("gave up"));
    assert!(!gave_up, "{ended:?}");
    let values = values.lock().unwrap();
    assert_eq!(values.last(), Some(&json!("2")), "{values:?}");
}

#[test]
fn says_what_it_waits_for_while_it_cannot_signal() {
    let server = Server::start(|request| match &*request.line {
        HERE => Reply::Hold,
        _ => Reply::missing(),
    });
    let pod = Pod::new(server.url());
    let mut client = start(pod.client(&["wait", "--signal-on-wait=here", "peer"]));
    client.says("Waiting for 1 of 1: peer (does not exist)");
    client.kill("-TERM");
    let ended = client.end();
    ended.assert_code(143);
    ended.assert_says("still missing peer (does not exist)");
}

#[test]
fn a_wait_for_nothing_signals_before_it_ends() {
    let server = Server::start(|_| Reply::Json(201, json!({})));
    let ended = Pod::new(server.url()).run(&["wait", "--signal-on-wait=here"]);
    ended.assert_code(0);
    ended.assert_says("Signalled: here");
    assert_eq!(server.request().line, HERE);
}

#[test]
fn asks_for_pods_on_its_own_node() {
    let server = Server::start(|_| Reply::states(&["held", "held"]));
    let pod = Pod::new(server.url());
    let terms = [
        "daemonset:cni@cni-system on node within 5m",
        "a=$$(NODE_NAME)",
    ];
    let mut client = pod.client(&["wait", terms[0], terms[1]]);
    client.env("NODE_NAME", "worker-1");
    start(client).end().assert_code(0);
    let asked = [
        "daemonset:cni@cni-system on node=worker-1 within 5m",
        "a=$$(NODE_NAME)",
    ];
    assert_eq!(server.request().body["terms"], json!(asked));
    let ended = pod.run(&["wait", terms[0]]);
    ended.assert_code(2);
    ended.assert_says("set NODE_NAME");
}

#[test]
fn sigterm_ends_it_also_while_it_signals() {
    let server = Server::start(|_| Reply::Hold);
    let client = start(Pod::new(server.url()).client(&["wait", "--signal=a"]));
    server.request();
    client.kill("-TERM");
    let ended = client.end();
    ended.assert_code(143);
    ended.assert_says("Stopped by SIGTERM before signalling a");
}

#[test]
fn a_signal_that_the_store_refuses_is_an_error() {
    let server = Server::start(|request| {
        if request.line.starts_with("PUT") {
            Reply::Problem(422, "too many variables")
        } else {
            Reply::Hold
        }
    });
    for arguments in [
        &["wait", "--signal=a"][..],
        &["wait", "--signal-on-wait=a", "b"],
    ] {
        let ended = Pod::new(server.url()).run(arguments);
        ended.assert_code(1);
        ended.assert_says("Failed to signal a");
    }
}

#[test]
fn an_optional_probe_to_nowhere_is_given_up_beside_a_store() {
    let server = Server::start(|_| Reply::held());
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let up = format!("tcp://{}", open.local_addr().unwrap());
    let down = format!("?tcp://{closed} within 10ms");
    let ended = Pod::new(server.url()).run(&["wait", "a", &up, &down]);
    ended.assert_code(0);
    ended.assert_says(&format!("given up: {down} (connection refused)"));
}

#[test]
fn hangs_up_on_a_question_that_is_of_no_interest_any_more() {
    let server = Server::start(|request| match request.number {
        0 => Reply::states(&["missing", "missing"]),
        _ => Reply::Hold,
    });
    let pod = Pod::new(server.url());
    let mut client = start(pod.client(&["wait", "a", "?b within 200ms"]));
    client.says("Warning: gave up ?b within 200ms");
    assert_eq!(
        server.given_up(),
        1,
        "the store no longer takes this pod for a waiter on b"
    );
    client.kill("-TERM");
    client.end().assert_code(143);
}

#[test]
fn refuses_to_run_on_what_is_not_filled_in() {
    let pod = Pod::new("http://127.0.0.1:9");
    let ended = pod.run(&["wait", "cni/$(NODE_NAME)"]);
    ended.assert_code(2);
    ended.assert_says("in the term cni/$(NODE_NAME)");
    let empty = start({
        let mut client = pod.client(&["wait", "a"]);
        client.env("NODE_NAME", "");
        client
    });
    let ended = empty.end();
    ended.assert_code(2);
    ended.assert_says("NODE_NAME is set and empty");
    for signal in ["--signal=a", "--signal-on-wait=a"] {
        let mut unknown_pod = pod.client(&["wait", signal]);
        unknown_pod.env_remove("POD_UID");
        let ended = start(unknown_pod).end();
        ended.assert_code(2);
        ended.assert_says("set POD_NAME and POD_UID");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
    let pod = Pod::new("http://127.0.0.1:9");
    fs::write(pod.file("no-folder"), "").unwrap();
    let dir = format!("--dir={}", pod.file("no-folder").display());
    let ended = pod.run(&["wait", &dir, "a"]);
    ended.assert_code(1);
    ended.assert_says("no-folder/started");
}
