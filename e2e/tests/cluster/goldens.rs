//! Dry runs of the pods in `testdata/admission` on a real API server.
//!
//! Requests that must not involve oncue use a namespace that its webhook excludes.

mod golden;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use e2e::{
    cluster::SYSTEM,
    kit::{Manifest, Namespace, with_temp_ns},
};
use serde_json::Value;

use golden::Golden;

/// A namespace that the webhook always excludes, and in which nothing runs.
const WITHOUT_ONCUE: &str = "kube-node-lease";

/// The rejection that is missing in the golden files, because their settings open gates.
const OPENS_NO_GATES: &str = "this version opens no gates yet";

/// Admission of an invalid pod would prove nothing, so this checks that all are valid.
#[tokio::test]
async fn every_golden_pod_is_valid() -> Result<()> {
    let alone = Namespace::existing(WITHOUT_ONCUE).await?;
    let mut illegal = BTreeMap::new();
    for golden in Golden::all()? {
        match alone.dry_run(golden.pod_in(&alone)).await {
            Ok(pod) => assert!(!is_injected(&pod), "{}", golden.name),
            Err(reason) => _ = illegal.insert(golden.name, format!("{reason:#}")),
        }
    }
    assert_eq!(illegal, BTreeMap::new());
    Ok(())
}

#[tokio::test]
async fn every_golden_pod_is_valid_after_injection() -> Result<()> {
    let alone = Namespace::existing(WITHOUT_ONCUE).await?;
    let mut illegal = BTreeMap::new();
    let mut legal = 0;
    for golden in Golden::all()? {
        let Some(pod) = golden.patched_in(&alone)? else {
            continue;
        };
        match alone.dry_run(pod).await {
            Ok(_) => legal += 1,
            Err(reason) => _ = illegal.insert(golden.name, format!("{reason:#}")),
        }
    }
    assert_eq!(illegal, BTreeMap::new());
    println!("{legal} patched pods are legal");
    assert!(legal >= 50);
    Ok(())
}

#[tokio::test]
async fn a_second_admission_changes_nothing() -> Result<()> {
    with_temp_ns(async |ns| {
        let mut again = 0;
        for golden in Golden::all()?.iter().filter(|golden| golden.says("patch")) {
            let Some(once) = admitted(&ns, golden.pod_in(&ns)).await? else {
                continue;
            };
            let name = &golden.name;
            assert!(is_injected(&once), "{name}");
            let twice = admitted(&ns, as_sent(&once, golden)).await?;
            let twice = twice.with_context(|| format!("{name} is refused the second time"))?;
            for part in ["/spec", "/metadata/annotations", "/metadata/labels"] {
                assert_eq!(once.pointer(part), twice.pointer(part), "{name}: {part}");
            }
            again += 1;
        }
        println!("{again} pods were admitted twice");
        assert!(again >= 30);
        Ok(())
    })
    .await
}

/// A pod that was injected with other settings, for example copied from another cluster.
#[tokio::test]
async fn pods_injected_by_another_installation_are_admitted() -> Result<()> {
    with_temp_ns(async |ns| {
        for golden in Golden::all()? {
            let Some(patched) = golden.patched_in(&ns)? else {
                continue;
            };
            let admitted = admitted(&ns, patched).await;
            admitted.with_context(|| golden.name.clone())?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kubectl_shows_every_golden_rejection() -> Result<()> {
    with_temp_ns(async |ns| {
        for golden in Golden::all()?
            .iter()
            .filter(|golden| golden.says("refusal") && golden.has_controller())
        {
            let name = &golden.name;
            let refused = ns.dry_run(golden.pod_in(&ns)).await.err();
            let said = refused
                .with_context(|| format!("{name} was taken"))?
                .to_string();
            let message = golden.outcome["refusal"]["message"].as_str();
            let message = message.context("a refusal has a message")?;
            for part in message.split("; ") {
                assert!(said.contains(part), "{name}: {part:?} in {said}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn skipped_golden_pods_are_unchanged() -> Result<()> {
    with_temp_ns(async |ns| {
        for golden in Golden::all()?.iter().filter(|golden| golden.says("skip")) {
            let own = golden.pod["metadata"]["namespace"] == SYSTEM;
            let place = if own {
                Namespace::existing(SYSTEM).await?
            } else {
                ns.clone()
            };
            let pod = place.dry_run(golden.pod_in(&place)).await?;
            assert!(!is_injected(&pod), "{}", golden.name);
        }
        Ok(())
    })
    .await
}

/// Returns the pod after admission, or `None` if it asks for a gate.
async fn admitted(ns: &Namespace, pod: Manifest) -> Result<Option<Value>> {
    match ns.dry_run(pod).await {
        Err(refused) if format!("{refused:#}").contains(OPENS_NO_GATES) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Returns the admitted pod as a user would send it: without the fields that the API server adds.
fn as_sent(admitted: &Value, golden: &Golden) -> Manifest {
    let mut pod = admitted.clone();
    let metadata = &mut pod["metadata"];
    for added in ["creationTimestamp", "managedFields", "uid"] {
        metadata[added] = Value::Null;
    }
    metadata["name"] = golden.pod["metadata"]["name"].clone();
    pod["status"] = Value::Null;
    Manifest::new(pod)
}

/// Returns whether the pod has oncue's record.
fn is_injected(pod: &Value) -> bool {
    pod["metadata"]["annotations"]["oncue.dev/injected"].is_string()
}
