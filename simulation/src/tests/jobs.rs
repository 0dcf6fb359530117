//! Jobs that end early, late or in parts, and pods that are ready later than they start.

use serde_json::{Value, json};

use crate::{
    kit::{pod, simulate, workload},
    verdict::Outcome,
};

fn service(name: &str, more: &str) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"clusterIP": "None", "selector": {"app": name}, "ports": [{"port": 80}]},
    });
    service["spec"][more] = true.into();
    service
}

#[test]
fn a_wait_that_times_out_fails_the_job_if_its_policy_says_so() {
    let etl = |rule: Value| {
        let spec = json!({
            "podFailurePolicy": {"rules": [rule]},
            "annotations": {"depends-on": "lake/up", "depends-on-timeout": "2s"},
        });
        simulate(&[
            workload("Job", "etl", spec),
            pod(
                "lake",
                json!({"signals-on-ready": "lake/up", "oncue.dev/rehearse": "ready=5s"}),
            ),
        ])
    };
    let run =
        etl(json!({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [40]}}));
    run.position("job/etl has failed: its podFailurePolicy says so");
    let report = run.report();
    assert_eq!(report.verdict.result, Outcome::Failed);
    assert!(
        report
            .to_string()
            .contains("job/etl failed: its podFailurePolicy says so")
    );
    let named = json!({"action": "FailJob", "onExitCodes": {
        "containerName": "main", "operator": "NotIn", "values": [40],
    }});
    etl(named).assert_passes();
}

fn with_container(mut object: Value, spec: &str, container: &Value) -> Value {
    let spec = object.pointer_mut(spec).unwrap();
    for (key, value) in container.as_object().unwrap() {
        spec["containers"][0][key] = value.clone();
    }
    object
}

fn restarts_after(code: i32) -> Value {
    json!({"restartPolicy": "Never", "restartPolicyRules": [
        {"action": "Restart", "exitCodes": {"operator": "In", "values": [code]}},
    ]})
}

#[test]
fn containers_are_started_again_as_their_own_policy_and_rules_say() {
    let again = "container main has ended and is started again";
    for (play, container, policy, expected) in [
        ("run=2s fail", restarts_after(1), "Never", again),
        (
            "run=2s fail",
            restarts_after(42),
            "Never",
            "failed: as it was told to",
        ),
        (
            "run=2s fail",
            restarts_after(42),
            "Always",
            "failed: as it was told to",
        ),
        (
            "run=2s",
            json!({"restartPolicy": "Never"}),
            "Always",
            "succeeded",
        ),
        ("run=2s", json!({"restartPolicy": "Always"}), "Never", again),
    ] {
        let mut object = pod("main", json!({"oncue.dev/rehearse": play}));
        object["spec"]["restartPolicy"] = policy.into();
        let run = simulate(&[with_container(object, "/spec", &container)]);
        run.position(&format!("main {expected}"));
    }
}

#[test]
fn restarts_by_a_rule_do_not_fail_the_job_of_a_pod_that_never_restarts() {
    let spec = json!({"backoffLimit": 1, "annotations": {"oncue.dev/rehearse": "fail"}});
    let job = workload("Job", "train", spec);
    let run = simulate(&[with_container(
        job,
        "/spec/template/spec",
        &restarts_after(1),
    )]);
    assert!(
        run.lines
            .iter()
            .any(|line| line.ends_with("fails again and again"))
    );
    assert!(!run.lines.iter().any(|line| line.starts_with("job/train")));
}

#[test]
fn a_job_tries_again_after_its_back_off() {
    let spec = json!({
        "backoffLimit": 2, "annotations": {"signals": "a/b", "oncue.dev/rehearse": "fail"},
    });
    let run = simulate(&[workload("Job", "migrate", spec)]);
    run.position("job/migrate has failed");
    // Two delays, of 10 and 20 seconds.
    let took = run.finish.took.as_secs();
    assert_eq!(took, 30, "{:#?}", run.lines);
}

#[test]
fn a_job_with_a_time_to_live_is_gone_afterwards() {
    let job = |ttl: u64| {
        let migrate = workload("Job", "migrate", json!({"ttlSecondsAfterFinished": ttl}));
        // This pod asks 20 seconds later.
        let late = json!({"depends-on": "first/ready, job:migrate"});
        let first = json!({"signals-on-ready": "first/ready", "oncue.dev/rehearse": "ready=20s"});
        simulate(&[migrate, pod("first", first), pod("late", late)])
    };
    let run = job(5);
    run.position("job/migrate deleted");
    assert_eq!(run.stuck(), ["late: job:migrate"]);
    job(60).assert_passes();
}

#[test]
fn a_job_is_complete_once_its_success_policy_is_met() {
    let spec = json!({
        "completionMode": "Indexed", "completions": 3, "parallelism": 1,
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
    });
    let run = simulate(&[
        workload("Job", "train", spec),
        pod("web", json!({"depends-on": "job:train"})),
    ]);
    run.assert_passes();
    let pods = run.report().table().len() - 1;
    assert_eq!(pods, 2, "one pod of the Job, and the one that waits");
}

#[test]
fn a_pod_is_available_once_it_has_been_ready_for_a_while() {
    let web = workload("Deployment", "web", json!({"minReadySeconds": 30}));
    let run = simulate(&[web, pod("client", json!({"depends-on": "deployment:web"}))]);
    run.assert_passes();
    let waited = run.lines_of("client")[1];
    assert!(waited.starts_with("has waited 30."), "{waited}");
    let set = workload(
        "StatefulSet",
        "db",
        json!({"replicas": 2, "minReadySeconds": 30}),
    );
    let run = simulate(&[set]);
    run.assert_passes();
    assert!(run.finish.took.as_secs() >= 60, "{:?}", run.finish.took);
}

#[test]
fn a_service_can_lead_to_pods_that_are_not_ready() {
    let run = |more: &str| {
        let db = json!({"depends-on": "?a/b within 1s", "oncue.dev/rehearse": "ready=40s"});
        let client = json!({"depends-on": "tcp://db:80", "oncue.dev/rehearse": "ready=1s"});
        simulate(&[pod("db", db), service("db", more), pod("client", client)])
    };
    for (more, expected) in [("publishNotReadyAddresses", 1), ("internal", 41)] {
        let run = run(more);
        run.assert_passes();
        let waited = run.lines_of("client")[1];
        let seconds = waited.trim_start_matches("has waited ").split('.').next();
        assert_eq!(
            seconds.and_then(|it| it.parse().ok()),
            Some(expected),
            "{waited}"
        );
    }
}

#[test]
fn the_summary_names_what_is_not_played() {
    let mut web = workload("Deployment", "web", json!({"progressDeadlineSeconds": 4}));
    web["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
    let text = simulate(&[web]).report().to_string();
    for what in [
        "progressDeadlineSeconds of Deployments",
        "node selectors, affinity",
    ] {
        assert!(text.contains(&format!("not played: {what}")), "{text}");
    }
}
