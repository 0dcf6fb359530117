//! The diagnosis of a failed test.

use super::Namespace;
use crate::{
    cluster::SYSTEM,
    process::{Outcome, Program},
};

/// Prints the pods, the events, the logs of the namespace's pods and those of oncue.
pub(super) async fn print(ns: &Namespace) {
    eprintln!("--- diagnosis of the namespace {}", ns.name());
    show(ns.kubectl(&["get", "pods,jobs", "-o", "wide"])).await;
    show(ns.kubectl(&["get", "events", "--sort-by=.metadata.creationTimestamp"])).await;
    // The backend `embedded` has none.
    show(ns.kubectl(&["get", "signals"])).await;
    let pods = ns.kubectl(&["get", "pods", "-o", "name"]).outcome().await;
    let pods = pods.map(|outcome| outcome.stdout).unwrap_or_default();
    for pod in pods.lines().take(PODS) {
        show(ns.kubectl(&["logs", pod, "--all-containers", "--prefix", "--tail=40"])).await;
    }
    let oncue = ["get", "pods", "-n", SYSTEM, "-o", "wide"];
    show(ns.cluster().kubectl().args(oncue)).await;
    let selector = [
        "-l",
        "app.kubernetes.io/name=oncue",
        "--prefix",
        "--since=3m",
        "--tail=100",
    ];
    show(
        ns.cluster()
            .kubectl()
            .args(["logs", "-n", SYSTEM])
            .args(selector),
    )
    .await;
}

/// Maximum number of pods whose logs are printed.
const PODS: usize = 6;

async fn show(question: Program) {
    eprintln!("$ {}", question.as_typed());
    match question.outcome().await.as_ref().map(Outcome::all) {
        Ok(answer) => eprintln!("{answer}"),
        Err(error) => eprintln!("{error:#}"),
    }
}
