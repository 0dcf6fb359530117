//! The life of signals keeps little of each pod, and a change costs what that pod costs.
//!
//! A program of its own: the counting allocator is the process's.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::alloc::System;

use oncue_core::{
    language::Keys,
    life::{Decisions, Life, ObservedPod, Timestamp},
    world::variables::Variables,
};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PODS: usize = 5_000;
const MOST_BYTES_OF_A_POD: usize = 2_048;

#[test]
fn five_thousand_pods_with_ten_thousand_signals_take_ten_megabytes() {
    let mut variables = Variables::default();
    let decisions = mk_life(&variables).decide(now());
    assert_eq!(decisions.mutations.len(), 2 * PODS);
    carry_out(&decisions, &mut variables);

    let region = Region::new(ALLOCATOR);
    let mut life = mk_life(&variables);
    assert_eq!(life.decide(now()), Decisions::default());
    let change = region.change();
    let taken = change.bytes_allocated - change.bytes_deallocated;
    println!("{} bytes of each pod", taken / PODS);
    assert!(taken <= PODS * MOST_BYTES_OF_A_POD, "{taken} bytes");
}

fn mk_life(variables: &Variables) -> Life {
    let mut life = Life::new(variables);
    for index in 0..PODS {
        life.observe_pod(ObservedPod::read(&mk_pod(index), &Keys::default()).unwrap());
    }
    life.pods_listed();
    life.jobs_listed();
    life
}

/// Returns a pod of usual size, of which most is not needed.
fn mk_pod(index: usize) -> Value {
    let record = json!({
        "hash": "0123456789abcdef", "depends-on": ["first/container"],
        "signals": ["workers/$(POD_NAME)"], "signals-container": "app",
        "signals-on-ready": ["ready/$(POD_NAME)"],
    });
    json!({
        "metadata": {
            "namespace": "shop", "name": format!("worker-7c9f2e41b0-{index:05}"),
            "uid": format!("6f1c6c39-93a2-4c3e-8f0a-0000000{index:05}"),
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "annotations": {"oncue.dev/injected": record.to_string(), "other": "x".repeat(500)},
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "app", "env": [{"name": "A", "value": "x".repeat(500)}]}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "state": {"running": {}}}],
        },
    })
}

fn carry_out(decisions: &Decisions, variables: &mut Variables) {
    for mutation in &decisions.mutations {
        for update in mutation.decide(variables).updates {
            variables.apply(&update);
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_000_000)
}
