//! Rehearses the examples with the built binary: exit codes, and the order of events.
//!
//! Most run in virtual time. The tests in `real` use processes, TLS and sockets, and compare the
//! result with that of virtual time.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    process::{Command, Stdio},
};

/// A rehearsal that has come to its end.
struct Rehearsed {
    code: Option<i32>,
    out: String,
    err: String,
}

fn rehearse(example: &str, args: &[&str]) -> Rehearsed {
    let folder = format!("{}/examples/{example}", env!("CARGO_MANIFEST_DIR"));
    rehearse_files(&folder, args)
}

fn rehearse_files(files: &str, args: &[&str]) -> Rehearsed {
    let output = command(files, args).output().unwrap();
    Rehearsed {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(files: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
    command
        .args(["rehearse", "-f", files])
        .args(args)
        .stdin(Stdio::null());
    command
}

impl Rehearsed {
    #[track_caller]
    fn ended_with(self, code: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.code, Some(code), "\n{out}{err}");
        self
    }

    /// Checks that each of these comes in a line of the timeline or the summary, in this order. A
    /// line is given as the pod, or what its name begins with, and what is told of it.
    #[track_caller]
    fn has_lines(self, expected: &[(&str, &str)]) -> Self {
        let mut lines = self.out.lines();
        for (pod, what) in expected {
            let is_it = |line: &str| {
                line.split_whitespace().any(|word| word.starts_with(pod)) && line.contains(what)
            };
            assert!(
                lines.any(is_it),
                "no {pod:?} {what:?} in its place in:\n{}",
                self.out
            );
        }
        self
    }

    fn count(&self, what: &str) -> usize {
        self.out.lines().filter(|line| line.ends_with(what)).count()
    }
}

#[test]
fn second_starts_after_first() {
    rehearse("first-second", &[])
        .ended_with(0)
        .has_lines(FIRST_SECOND);
}

/// What happens in the example first-second.
const FIRST_SECOND: &[(&str, &str)] = &[
    ("second", "waits for first/container"),
    ("first", "container first started"),
    ("second", "has waited"),
    ("second", "container second started"),
    ("second", "ready"),
    ("all", "2 pods reached their end"),
];

#[test]
fn the_web_server_starts_after_the_migration_and_that_after_the_database() {
    rehearse("database-migration-web", &[])
        .ended_with(0)
        .has_lines(&[
            ("database-0", "ready"),
            ("migrate-v7", "container migrate started"),
            ("job/migrate-v7", "complete"),
            ("job/migrate-v7", "signals migrated/v7"),
            ("web-", "has waited"),
            ("web-", "ready"),
        ]);
}

#[test]
fn a_barrier_opens_with_the_last_worker() {
    let rehearsed = rehearse("barrier", &["--nodes", "4"])
        .ended_with(0)
        .has_lines(&[
            ("worker-", "signals workers/worker-"),
            ("worker-", "signals workers/worker-"),
            ("worker-", "signals workers/worker-"),
            ("worker-", "signals workers/worker-"),
            ("load-", "container load started"),
            ("job/load", "complete"),
        ]);
    for node in 1..=4 {
        assert_eq!(
            rehearsed.count(&format!("scheduled to node-{node}")).min(1),
            1,
            "{node}"
        );
    }
}

#[test]
fn an_optional_dependency_is_given_up() {
    rehearse("optional-cache", &["-v"])
        .ended_with(0)
        .has_lines(&[
            ("web", "waits for ?cache/warm within 2s"),
            ("web", "| Warning"),
            ("web", "ready"),
            ("cache", "ready"),
        ]);
}

#[test]
fn a_failed_job_ends_a_wait_at_once() {
    let rehearsed = rehearse("failing-migration", &[])
        .ended_with(1)
        .has_lines(&[
            ("job/migrate", "has failed"),
            ("web", "failed to wait: exit code 3: Failed after "),
            ("stuck:", "nothing brings what is missing"),
            ("web", "waits for !migration/failed which has happened"),
        ]);
    assert_eq!(rehearsed.count("signals migration/failed"), 1);
}

#[test]
fn a_deadlock_names_its_ring() {
    rehearse("deadlock", &[]).ended_with(1).has_lines(&[
        ("deadlock:", "each of these pods waits for the next"),
        (
            "orders",
            "waits for billing/up from billing, which waits itself",
        ),
        (
            "billing",
            "waits for customers/up from customers, which waits itself",
        ),
        (
            "customers",
            "waits for orders/up from orders, which waits itself",
        ),
    ]);
}

#[test]
fn every_annotation_can_be_rehearsed() {
    let args = [
        "--nodes",
        "2",
        "--assume",
        "api.example.com",
        "--assume",
        "certificates.cert-manager.io:web=Ready",
    ];
    let rehearsed = rehearse("every-annotation", &args)
        .ended_with(0)
        .has_lines(&[
            ("gated", "not scheduled before deployment:web, default/web"),
            ("web-", "container mesh started"),
            ("database-0", "init container permissions counts as done"),
            (
                "database-0",
                "its own postStart hook is not run: sh -c echo started >> /data/log",
            ),
            ("database-0", "signals database/primary=postgres"),
            ("database-0", "signals database/ready"),
            ("database-1", "admitted"),
            ("job/migrate", "complete"),
            ("web-", "ready"),
            ("gated", "scheduled to node-"),
            ("gated", "ready"),
        ]);
    for (what, times) in [
        ("signals cni/node-1", 1),
        ("signals cni/node-2", 1),
        ("signals database/placed/database-0=node-1", 1),
        ("signals default/web", 2),
        ("signals shards/2", 1),
        ("signals backup/done", 1),
    ] {
        assert_eq!(rehearsed.count(what), times, "{what}\n{}", rehearsed.out);
    }
    rehearsed.has_lines(&[
        ("impatient", "has waited 3."),
        ("all", "pods reached their end"),
    ]);
}

#[test]
fn a_held_pod_leaves_its_dependents_stuck() {
    let args = ["--hold", "database"];
    rehearse("database-migration-web", &args)
        .ended_with(1)
        .has_lines(&[
            ("database-0", "held"),
            ("migrate-v7", "failed: exit code 124: Timed out after 2m"),
            ("job/migrate-v7", "has failed"),
            ("web-", "failed to wait: exit code 3"),
        ]);
}

#[test]
fn a_failed_pod_ends_a_wait() {
    rehearse("database-migration-web", &["--fail", "migrate-v7"])
        .ended_with(1)
        .has_lines(&[
            ("job/migrate-v7", "has failed"),
            ("job/migrate-v7", "signals migration-failed/v7"),
            ("web-", "failed to wait: exit code 3"),
        ]);
}

#[test]
fn the_summary_can_be_printed_as_json() {
    let rehearsed = rehearse("deadlock", &["--output", "json"]).ended_with(1);
    let report: serde_json::Value = serde_json::from_str(&rehearsed.out).unwrap();
    assert_eq!(report["result"], "deadlock");
    assert_eq!(report["ring"].as_array().unwrap().len(), 3);
    assert_eq!(report["pods"][0]["name"], "orders");
    assert_eq!(report["pods"][0]["for"][0]["from"][0], "billing");
}

#[test]
fn names_hosts_that_are_neither_in_the_files_nor_assumed() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: \
               'tcp://redis:6379, a/b'}}, spec: {containers: [{name: web}]}}";
    fs::write(folder.path().join("web.yaml"), pod).unwrap();
    let files = folder.path().to_str().unwrap();
    rehearse_files(files, &[]).ended_with(1).has_lines(&[
        ("not", "in these files, and not assumed: redis"),
        ("web", "waits for tcp://redis:6379"),
        ("not", "in these files, and not assumed: redis"),
        (
            "web",
            "waits for tcp://redis:6379 which no Service of these files is: --assume redis",
        ),
        ("web", "waits for a/b which nobody signals"),
    ]);
    rehearse_files(files, &["--assume", "redis"])
        .ended_with(1)
        .has_lines(&[
            ("assumed:", "redis"),
            ("web", "waits for a/b which nobody signals"),
        ]);
}

#[test]
fn names_what_is_not_played_and_says_why_an_object_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let files = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: \
                 'certificates.cert-manager.io:web=Ready, deployment:db'}}, \
                 spec: {containers: [{name: web}]}}\n---\n\
                 {apiVersion: apps/v1, kind: Deployment, metadata: {name: db}, spec: {replicas: 2, \
                 template: {spec: {containers: [{name: db}]}}}}";
    fs::write(folder.path().join("web.yaml"), files).unwrap();
    let args = ["--hold", "db"];
    rehearse_files(folder.path().to_str().unwrap(), &args)
        .ended_with(1)
        .has_lines(&[
            ("not", "played: certificates.cert-manager.io:web=Ready"),
            ("db-", "held: its own containers never start"),
            ("not", "played: certificates.cert-manager.io:web=Ready"),
            (
                "web",
                "waits for certificates.cert-manager.io:web=Ready which is not played: \
                 --assume 'certificates.cert-manager.io:web=Ready' if it holds in a cluster",
            ),
            (
                "web",
                "waits for deployment:db (0 of 2 replicas are available) from db-",
            ),
        ]);
}

#[test]
fn a_denied_pod_is_reported_with_the_reason_of_the_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: 'a b'}}, \
               spec: {containers: [{name: web}]}}";
    fs::write(folder.path().join("web.yaml"), pod).unwrap();
    rehearse_files(folder.path().to_str().unwrap(), &[])
        .ended_with(1)
        .has_lines(&[
            ("web", "denied: "),
            ("failed:", "not every pod reached its end"),
            ("web", "was denied: "),
        ]);
}

#[test]
fn an_object_that_the_webhook_cannot_read_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: []}";
    fs::write(&file, pod).unwrap();
    let file = file.to_str().unwrap();
    let rehearsed = rehearse_files(file, &[]).ended_with(1);
    let expected = format!(
        "failed to have pod web of {file} admitted: the webhook answered 400 Bad Request: "
    );
    assert!(rehearsed.err.contains(&expected), "{}", rehearsed.err);
}

#[test]
fn an_unknown_name_is_a_usage_error() {
    let rehearsed = rehearse("first-second", &["--fail", "third"]).ended_with(2);
    let expected = "\"third\" is neither a workload nor a pod of these files";
    assert!(rehearsed.err.contains(expected), "{}", rehearsed.err);
    rehearse("first-second", &["--real", "--speed", "0"]).ended_with(2);
    rehearse("first-second", &["--speed", "10"]).ended_with(2);
    rehearse("first-second", &["--assume", "tcp://redis"]).ended_with(2);
}

#[test]
fn the_output_in_virtual_time_is_the_same_each_time() {
    for (example, args) in [
        ("barrier", ["--nodes", "2"].as_slice()),
        ("database-migration-web", &[]),
        ("deadlock", &[]),
        ("failing-migration", &[]),
        ("first-second", &[]),
        ("optional-cache", &["-v"]),
    ] {
        let golden = format!(
            "{}/testdata/rehearsal/{example}.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        let out = rehearse(example, args).out;
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &out).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(
            out, expected,
            "run with UPDATE_GOLDEN=1 if {golden} is outdated"
        );
    }
}

/// Rehearses an example with processes and in virtual time, and compares the results.
fn compare(example: &str, args: &[&str]) -> Rehearsed {
    let real = rehearse(example, &[&["--real", "--speed", "10"], args].concat());
    let results = [
        &["--real", "--speed", "10", "-o", "json"],
        &["-o", "json"] as &[&str],
    ]
    .map(|mode| result(&rehearse(example, &[mode, args].concat()).out));
    assert_eq!(results[0], results[1], "{example}");
    real
}

/// Returns a report without its times and generated names.
fn result(json: &str) -> serde_json::Value {
    let mut report: serde_json::Value = serde_json::from_str(json).unwrap();
    report["seconds"].take();
    let mut pods = report["pods"].take();
    for pod in pods.as_array_mut().unwrap() {
        for time in ["waitedSeconds", "startedSeconds", "readySeconds"] {
            pod[time] = pod[time].is_null().into();
        }
    }
    let pods = pods.as_array_mut().unwrap();
    pods.sort_by_key(|pod| pod["name"].to_string());
    report["pods"] = std::mem::take(pods).into();
    report["failed"].take();
    report
}

#[test]
fn processes_start_in_the_same_order_as_in_virtual_time() {
    compare("first-second", &[])
        .ended_with(0)
        .has_lines(FIRST_SECOND);
}

#[test]
fn processes_wait_for_objects_probes_and_jobs_as_in_virtual_time() {
    compare("database-migration-web", &[])
        .ended_with(0)
        .has_lines(&[
            ("database-0", "ready"),
            ("migrate-v7", "container migrate started"),
            ("job/migrate-v7", "complete"),
            ("web-", "has waited"),
            ("web-", "ready"),
        ]);
}

#[test]
fn processes_end_in_the_same_deadlock_as_in_virtual_time() {
    compare("deadlock", &[]).ended_with(1).has_lines(&[
        ("deadlock:", "each of these pods waits for the next"),
        (
            "orders",
            "waits for billing/up from billing, which waits itself",
        ),
    ]);
}

#[test]
fn a_signal_in_the_files_exists_from_the_beginning_and_a_bad_one_ends_the_rehearsal() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: \
               'a/b=v, c@shop'}}, spec: {containers: [{name: web}]}}";
    let signal = |spec: &str| {
        format!(
            "{pod}\n---\n{{apiVersion: oncue.dev/v1alpha1, kind: Signal, metadata: {{name: go}}, \
             spec: {spec}}}"
        )
    };
    let file = folder.path().join("web.yaml");
    let files = folder.path().to_str().unwrap();
    fs::write(&file, signal("{variable: a/b, value: v}")).unwrap();
    let args = ["--assume", "/c@shop"];
    rehearse_files(files, &args).ended_with(0).has_lines(&[
        ("web", "a/b=v from Signal/go"),
        ("assumed:", "c@shop"),
        ("exists:", "a/b@default by Signal/go"),
    ]);
    rehearse_files(files, &["--assume", "c@shop", "--real"]).ended_with(0);
    fs::write(&file, signal("{variable: a/../b}")).unwrap();
    let Rehearsed { err, .. } = rehearse_files(files, &args).ended_with(1);
    assert!(err.contains("error[bad-signal]"), "{err}");
}
