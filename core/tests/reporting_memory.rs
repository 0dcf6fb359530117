//! What is kept of a pod for reports is little, and a decision about thousands is short.
//!
//! A program of its own: the counting allocator is the process's.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::alloc::System;

use oncue_core::{
    language::{Keys, Reason, Timestamp, Verdict},
    reporting::{ReportedPod, Reporter},
};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PODS: usize = 5_000;

#[test]
fn a_pod_takes_two_kilobytes_and_one_that_waits_four() {
    // One after the other: the allocator counts both.
    for (status, most) in [(mk_running(), 2_048), (mk_waiting(), 4_096)] {
        let region = Region::new(ALLOCATOR);
        let reporter = mk_reporter(&status);
        let change = region.change();
        let taken = change.bytes_allocated - change.bytes_deallocated;
        println!("{} bytes of each pod", taken / PODS);
        assert!(taken <= PODS * most, "{taken} bytes");
        drop(reporter);
    }
}

/// Returns a reporter that has judged all pods and decided for the first time.
fn mk_reporter(status: &Value) -> Reporter {
    let mut reporter = Reporter::default();
    reporter.listing();
    for index in 0..PODS {
        let pod = ReportedPod::read(&mk_pod(index, status), &Keys::default());
        reporter.observe(&pod.unwrap(), now());
    }
    reporter.listed();
    for unjudged in reporter.unjudged(None, PODS) {
        let verdicts = [Verdict::Missing(Reason::DoesNotExist)];
        reporter.judged(unjudged.wait, &verdicts, now());
    }
    reporter.decide(now(), PODS);
    reporter
}

fn mk_running() -> Value {
    json!({
        "phase": "Running",
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "oncue.dev/DependenciesHeld", "status": "True", "reason": "Held"},
        ],
        "initContainerStatuses": [
            {"name": "oncue-wait", "state": {"terminated": {"exitCode": 0}}},
        ],
    })
}

fn mk_waiting() -> Value {
    json!({
        "phase": "Pending",
        "initContainerStatuses": [{"name": "oncue-wait", "state": {"running": {}}}],
    })
}

fn mk_pod(index: usize, status: &Value) -> Value {
    let record = json!({
        "hash": "0123456789abcdef", "depends-on": ["first/container"],
        "signals": ["workers/$(POD_NAME)"], "signals-container": "app",
        "signals-on-ready": ["ready/$(POD_NAME)"],
    });
    let name = format!("worker-7c9f2e41b0-{index:05}");
    json!({
        "metadata": {
            "namespace": "shop", "name": name,
            "uid": format!("6f1c6c39-93a2-4c3e-8f0a-0000000{index:05}"),
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "labels": {
                "app.kubernetes.io/name": "worker", "app.kubernetes.io/instance": "shop",
                "pod-template-hash": "7c9f2e41b0", "oncue.dev/managed": "true", "pod": name,
            },
            "annotations": {"oncue.dev/injected": record.to_string(), "other": "x".repeat(500)},
        },
        "status": status,
    })
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_508_400_000)
}
