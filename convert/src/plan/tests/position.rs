//! Where a wait stands, and what the pod has already.

use serde_json::{Value, json};

use super::kit::{deployment, describe, plan_of, script};
use crate::plan::{Outcome, Settings, plan};

fn wait(name: &str) -> Value {
    let mut container = script(&format!("until nc -z {name} 1; do sleep 1; done"));
    container["name"] = name.into();
    container
}

fn work() -> Value {
    json!({"name": "work", "image": "x", "command": ["cp", "a", "b"]})
}

fn sidecar() -> Value {
    json!({"name": "proxy", "image": "x", "restartPolicy": "Always"})
}

fn outcomes(containers: &[Value]) -> Vec<String> {
    let plan = plan_of(&deployment(containers), &[]);
    plan.containers
        .iter()
        .map(|it| describe(&it.outcome))
        .collect()
}

fn annotations(workload: &Value) -> Vec<(String, String)> {
    let plan = plan_of(workload, &[]);
    plan.annotations
        .into_iter()
        .map(|it| (it.key, it.value))
        .collect()
}

#[test]
fn a_wait_after_work_is_left() {
    let found = outcomes(&[wait("a"), work(), wait("b")]);
    assert_eq!(found[0], "tcp://a:1");
    assert_eq!(found[1], "- runs `cp`");
    assert!(
        found[2].starts_with("- stands after work, which does more than wait"),
        "{found:?}"
    );
}

#[test]
fn a_wait_after_another_that_stays_is_converted() {
    let secret = script("until psql -h x -c 'select 1'; do sleep 1; done");
    assert_eq!(outcomes(&[secret, wait("b")])[1], "tcp://b:1");
}

#[test]
fn a_wait_after_sidecars_stays_after_them() {
    let workload = deployment(&[sidecar(), wait("a")]);
    assert_eq!(
        annotations(&workload),
        [
            ("depends-on".to_owned(), "tcp://a:1".to_owned()),
            (
                "oncue.dev/depends-on-position".to_owned(),
                "after-sidecars".to_owned()
            ),
        ]
    );
    let found = outcomes(&[wait("a"), sidecar(), wait("b")]);
    assert_eq!(found[0], "tcp://a:1");
    assert!(
        found[1].starts_with("- stands after the sidecar proxy"),
        "{found:?}"
    );
    let found = outcomes(&[sidecar(), wait("a"), sidecar()]);
    assert!(
        found[0].starts_with("- stands after the sidecar proxy"),
        "{found:?}"
    );
}

#[test]
fn terms_join_those_that_the_pod_has() {
    let mut workload = deployment(&[wait("a"), wait("b"), wait("a")]);
    workload["spec"]["template"]["metadata"] =
        json!({"annotations": {"oncue.dev/depends-on": "tcp://b:1, x/y"}});
    let expected = (
        "oncue.dev/depends-on".to_owned(),
        "tcp://b:1, x/y, tcp://a:1".to_owned(),
    );
    assert_eq!(annotations(&workload), [expected]);
}

#[test]
fn a_pod_that_has_its_own_rules_is_left() {
    for (annotations, reason) in [
        (
            json!({"oncue.dev/inject": "false"}),
            "- is in a pod for which oncue is turned off",
        ),
        (
            json!({"oncue.dev/depends-on-mode": "gate"}),
            "- is in a pod that waits behind",
        ),
        (
            json!({"oncue.dev/depends-on-timeout": "5m"}),
            "- is in a pod whose depends-on-timeout",
        ),
    ] {
        let mut workload = deployment(&[wait("a")]);
        workload["spec"]["template"]["metadata"] = json!({"annotations": annotations});
        let found = describe(&plan_of(&workload, &[]).containers[0].outcome);
        assert!(found.starts_with(reason), "{found}");
    }
}

#[test]
fn approximate_terms_are_used_if_they_are_asked_for() {
    let workload = deployment(&[script("until pg_isready -h db; do sleep 1; done")]);
    let settings = Settings {
        approximate: true,
        ..Settings::default()
    };
    let plan = plan(&[&workload], &settings).remove(0);
    let container = &plan.containers[0];
    assert!(
        matches!(&container.outcome, Outcome::Converted { terms } if terms == &["tcp://db:5432"])
    );
    assert!(container.notes[0].starts_with("approximate: `pg_isready` also waits"));
}

#[test]
fn two_limits_in_one_pod_are_approximate() {
    let limited = |host: &str| {
        script(&format!(
            "for i in $(seq 1 30); do nc -z {host} 1 && exit 0; sleep 2; done; exit 0"
        ))
    };
    assert_eq!(
        outcomes(&[limited("a"), limited("b")])[0],
        "~?tcp://a:1 within 1m"
    );
    assert_eq!(outcomes(&[limited("a")])[0], "?tcp://a:1 within 1m");
}
