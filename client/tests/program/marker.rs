//! The post-start marker: nothing but the user's own hook decides how it ends.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::{Command, Stdio},
    time::Instant,
};

use rustix::{
    io::Errno,
    process::{WaitOptions, getpid, set_child_subreaper, wait},
};
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
fn the_users_own_hook_runs_once_although_the_ends_of_children_are_ignored() {
    let server = mk_store();
    let pod = mk_marked(server.url());
    let runs = pod.file("runs");
    let mut marker = Command::new("env");
    marker
        .arg("--ignore-signal=CHLD")
        .arg(pod.file("oncue-client"))
        .args(["create", "--marker", "--", "sh", "-c"])
        .arg(format!("echo run >>{}", runs.display()));
    start(marker).end().assert_code(0);
    assert_eq!(fs::read_to_string(runs).unwrap(), "run\n");
    assert!(!server.was_asked(), "nothing shows that the hook succeeded");
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
fn a_marker_whose_replica_is_silent_asks_again_on_another_connection() {
    let server = Server::start(|request| match request.connection {
        0 => Reply::Hold,
        _ => Reply::Json(201, json!({})),
    });
    let pod = mk_marked(server.url());
    let ended = start(pod.installed(&["create", "--marker"])).end();
    ended.assert_code(0);
    assert_eq!(ended.log, [""; 0]);
    assert_eq!(server.request().connection, 0);
    assert_eq!(server.request().connection, 1);
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

/// A user id that no other process has.
const LONELY: u32 = 1_234_567;

/// Returns the client that was left in the folder, allowed to have this many processes and threads.
fn limited(pod: &Pod, processes: usize, args: &[&str]) -> Command {
    let everyone = Permissions::from_mode(0o755);
    fs::set_permissions(pod.directory.path(), everyone).unwrap();
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--nproc={processes}"))
        .arg(pod.file("oncue-client"))
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    if is_root() {
        command.uid(LONELY);
    }
    command
}

/// No limit holds for root, and only root can become a user without other processes.
fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_marker_that_may_not_have_another_process_runs_the_hook_in_its_own() {
    let server = mk_store();
    let pod = mk_marked(server.url());
    let alone = start(limited(&pod, 1, &["create", "--marker"])).end();
    alone.assert_code(0);
    alone.assert_says("failed to start a process that signals");
    for (script, code) in [("exit 7", 7), ("exit 0", 0)] {
        let hook = ["create", "--marker", "--", "/bin/sh", "-c", script];
        start(limited(&pod, 1, &hook)).end().assert_code(code);
    }
    if is_root() {
        start(limited(&pod, 2, &["create", "--marker"]))
            .end()
            .assert_code(0);
        assert_eq!(
            server.request().number,
            0,
            "a process without threads signals"
        );
    }
}

#[test]
fn a_wait_without_room_for_a_thread_says_so() {
    let pod = mk_marked(mk_store().url());
    let ended = start(limited(&pod, 1, &["wait", "a"])).end();
    ended.assert_code(1);
    ended.assert_says("failed to watch for signals");
}

/// Returns a marker whose child runs this script instead of the client: the user's hook leaves it
/// in the client's place.
fn marker_with_child(pod: &Pod, script: &str) -> Command {
    let child = pod.file("child");
    fs::write(&child, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&child, Permissions::from_mode(0o755)).unwrap();
    let hook = format!(
        "mv {} {}",
        child.display(),
        pod.file("oncue-client").display()
    );
    pod.installed(&["create", "--marker", "--", "sh", "-c", &hook])
}

#[test]
fn a_process_that_dies_while_it_signals_does_not_fail_the_marker() {
    for death in ["kill -ABRT $$", "kill -KILL $$", "exit 134"] {
        let pod = mk_marked(mk_store().url());
        let ended = start(marker_with_child(&pod, death)).end();
        ended.assert_code(0);
        assert_eq!(
            ended.log.len(),
            usize::from(death.contains("kill")),
            "{:?}",
            ended.log
        );
    }
}

/// Runs as the child of the test below: orphans of any other test would be its own too.
#[test]
#[ignore = "it adopts every orphan"]
fn adopts_what_a_late_marker_leaves() {
    set_child_subreaper(Some(getpid())).unwrap();
    let pod = mk_marked("http://127.0.0.1:9");
    let ended = start(marker_with_child(&pod, "exec sleep 60")).end();
    ended.assert_code(0);
    ended.assert_says("did not answer in time");
    assert_eq!(wait(WaitOptions::NOHANG).unwrap_err(), Errno::CHILD);
}

#[test]
fn a_marker_leaves_no_zombie_of_a_child_that_is_late() {
    let test = [
        "--exact",
        "marker::adopts_what_a_late_marker_leaves",
        "--ignored",
    ];
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(test)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn a_marker_ends_well_although_nobody_reads_what_it_prints() {
    let pod = mk_marked("http://127.0.0.1:9");
    let mut unread = pod.installed(&["create", "--marker"]);
    let mut child = unread
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let client = pod.file("oncue-client");
    let closed = format!("exec {} create --marker <&- >&- 2>&-", client.display());
    let status = Command::new("sh").args(["-c", &closed]).status();
    assert_eq!(status.unwrap().code(), Some(0));
}

#[test]
fn a_file_of_the_pod_that_makes_no_sense_does_not_fail_the_marker() {
    let pod = mk_marked("http://127.0.0.1:9");
    for content in ["{", "[]", r#"{"namespace":"A"}"#] {
        fs::remove_file(pod.file("pod.json")).unwrap();
        fs::write(pod.file("pod.json"), content).unwrap();
        let ended = start(pod.installed(&["create", "--marker"])).end();
        ended.assert_code(0);
        ended.assert_says("; a controller may signal later");
    }
}
