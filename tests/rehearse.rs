//! Rehearses the examples with the built binary: exit codes, and who did what before whom.

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
    fn tells(self, expected: &[(&str, &str)]) -> Self {
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
    rehearse("first-second", &[]).ended_with(0).tells(&[
        ("second", "waits for first/container"),
        ("first", "container first started"),
        ("second", "has waited"),
        ("second", "container second started"),
        ("second", "ready"),
        ("all", "2 pods reached their end"),
    ]);
}

#[test]
fn the_web_server_starts_after_the_migration_and_that_after_the_database() {
    rehearse("database-migration-web", &["--speed", "2"])
        .ended_with(0)
        .tells(&[
            ("database-0", "ready"),
            ("migrate-v7", "container migrate started"),
            ("job/migrate-v7", "complete"),
            ("migrate-v7", "signals migrated/v7"),
            ("web-", "has waited"),
            ("web-", "ready"),
        ]);
}

#[test]
fn a_barrier_opens_with_the_last_worker() {
    let rehearsed = rehearse("barrier", &["--nodes", "4"])
        .ended_with(0)
        .tells(&[
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
    rehearse("optional-cache", &["--speed", "4", "-v"])
        .ended_with(0)
        .tells(&[
            ("web", "waits for ?cache/warm within 2s"),
            ("web", "| Warning"),
            ("web", "ready"),
            ("cache", "ready"),
        ]);
}

#[test]
fn a_failed_job_is_heard_of_at_once() {
    let rehearsed = rehearse("failing-migration", &[]).ended_with(1).tells(&[
        ("job/migrate", "has failed"),
        ("web", "failed to wait: exit code 3: Failed after "),
        ("stuck:", "nothing brings what is missing"),
        ("web", "waits for !migration/failed which has happened"),
    ]);
    assert_eq!(rehearsed.count("signals migration/failed"), 1);
}

#[test]
fn a_deadlock_names_its_ring() {
    rehearse("deadlock", &[]).ended_with(1).tells(&[
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
        "--speed",
        "4",
        "--assume",
        "api.example.com",
        "--assume",
        "certificates.cert-manager.io:web=Ready",
    ];
    let rehearsed = rehearse("every-annotation", &args).ended_with(0).tells(&[
        ("web-", "container mesh started"),
        ("gated", "not scheduled before deployment:web, default/web"),
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
        ("signals default/web", 2),
        ("signals shards/2", 1),
        ("signals backup/done", 1),
    ] {
        assert_eq!(rehearsed.count(what), times, "{what}\n{}", rehearsed.out);
    }
    rehearsed.tells(&[
        ("impatient", "has waited 3."),
        ("all", "pods reached their end"),
    ]);
}

#[test]
fn what_is_held_starves_who_waits_for_it() {
    let args = ["--hold", "database", "--speed", "100"];
    rehearse("database-migration-web", &args)
        .ended_with(1)
        .tells(&[
            ("database-0", "held"),
            ("migrate-v7", "failed: exit code 124: Timed out after 2m"),
            ("job/migrate-v7", "has failed"),
            ("web-", "failed to wait: exit code 3"),
        ]);
}

#[test]
fn what_fails_is_heard_of() {
    rehearse("database-migration-web", &["--fail", "migrate-v7"])
        .ended_with(1)
        .tells(&[
            ("job/migrate-v7", "has failed"),
            ("migrate-v7", "signals migration-failed/v7"),
            ("web-", "failed to wait: exit code 3"),
        ]);
}

#[test]
fn the_summary_is_also_there_for_programs() {
    let rehearsed = rehearse("deadlock", &["--output", "json"]).ended_with(1);
    let report: serde_json::Value = serde_json::from_str(&rehearsed.out).unwrap();
    assert_eq!(report["result"], "deadlock");
    assert_eq!(report["ring"].as_array().unwrap().len(), 3);
    assert_eq!(report["pods"][0]["name"], "orders");
    assert_eq!(report["pods"][0]["for"][0]["from"][0], "billing");
}

#[test]
fn says_what_is_neither_in_the_files_nor_assumed() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: \
               'tcp://redis:6379, a/b'}}, spec: {containers: [{name: web}]}}";
    fs::write(folder.path().join("web.yaml"), pod).unwrap();
    let files = folder.path().to_str().unwrap();
    rehearse_files(files, &[]).ended_with(1).tells(&[
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
        .tells(&[
            ("assumed:", "redis"),
            ("web", "waits for a/b which nobody signals"),
        ]);
}

#[test]
fn a_denied_pod_is_told_with_the_webhooks_words() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: 'a b'}}, \
               spec: {containers: [{name: web}]}}";
    fs::write(folder.path().join("web.yaml"), pod).unwrap();
    rehearse_files(folder.path().to_str().unwrap(), &[])
        .ended_with(1)
        .tells(&[
            ("web", "denied: "),
            ("failed:", "not every pod reached its end"),
            ("web", "was denied: "),
        ]);
}

#[test]
fn what_the_webhook_cannot_read_is_named_with_its_file() {
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
fn a_name_that_nobody_has_is_a_mistake_of_usage() {
    let rehearsed = rehearse("first-second", &["--fail", "third"]).ended_with(2);
    let expected = "\"third\" is neither a workload nor a pod of these files";
    assert!(rehearsed.err.contains(expected), "{}", rehearsed.err);
    rehearse("first-second", &["--speed", "0"]).ended_with(2);
    rehearse("first-second", &["--assume", "tcp://redis"]).ended_with(2);
}
