//! What conditions and Events say.

use serde_json::{Value, json};

use super::{
    super::{MAX_MESSAGE, Reports},
    *,
};

/// Returns the condition of a pod with these terms.
fn condition(kit: &mut Kit, terms: &str) -> String {
    let pod = with_wait(mk_pod("web", terms, ""), &running_wait());
    kit.put(pod);
    kit.pass_seconds(2);
    kit.shown("web")
}

fn waiting(state: &str) -> Value {
    json!({"waiting": {"reason": state}})
}

#[test]
fn a_missing_term_names_the_pods_that_would_provide_it() {
    let signaller = |signals: &str| mk_pod("first", "", signals);
    let image = || with_state(signaller("first/up"), &waiting("ImagePullBackOff"), false);
    let part = |mut pod: Value, name: &str| {
        pod["metadata"]["name"] = name.into();
        pod["metadata"]["uid"] = format!("u-{name}").into();
        pod["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
        with_owner(pod, "ReplicaSet", "first-5d4f")
    };
    let outcome = |key: &str, is_ready| {
        let pod = with_recorded(signaller(""), &json!({key: ["first/up"]}));
        with_state(pod, &json!({"running": {}}), is_ready)
    };
    let set = |number: usize| {
        let pod = mk_pod(&format!("db-{number}"), "", "first/up");
        with_owner(pod, "StatefulSet", "db")
    };
    let cases: Vec<(Vec<Value>, &str)> = vec![
        (vec![], "does not exist, and no pod signals it"),
        (
            vec![image()],
            "signalled by Pod/first, whose pod is not Ready: ImagePullBackOff",
        ),
        (
            vec![part(image(), "first-5d4f-x")],
            "signalled by Deployment/first, whose pod is not Ready: ImagePullBackOff",
        ),
        (
            vec![
                part(
                    with_state(signaller("first/up"), &json!({}), true),
                    "first-5d4f-x",
                ),
                part(image(), "first-5d4f-y"),
            ],
            "signalled by Deployment/first, whose pod is not Ready: ImagePullBackOff",
        ),
        (
            vec![with_wait(
                mk_pod("first", "zeroth/up", "first/up"),
                &running_wait(),
            )],
            "signalled by Pod/first, whose pod waits itself",
        ),
        (
            vec![outcome("signals-on-success", true)],
            "signalled by Pod/first when it succeeds, whose pod runs",
        ),
        (
            vec![outcome("signals-on-failure", true)],
            "signalled by Pod/first when it fails, whose pod runs",
        ),
        (
            vec![outcome("signals-on-ready", false)],
            "signalled by Pod/first, whose pod is not Ready",
        ),
        (
            vec![outcome("signals-on-init", true)],
            "signalled by Pod/first, whose pod is Ready",
        ),
        (
            (0..5).map(set).collect(),
            "signalled by Pod/db-0, whose pod is not Ready, or by Pod/db-1, whose pod is not \
             Ready, or by Pod/db-2, whose pod is not Ready, or by 2 more pods",
        ),
    ];
    for (pods, expected) in cases {
        let mut kit = Kit::mk();
        for pod in pods {
            kit.put(pod);
        }
        let head = "Waiting: Waiting since 2026-11-27T10:00:00Z for 1 of 1: first/up";
        let expected = format!("{head}: {expected}");
        assert_eq!(condition(&mut kit, "first/up"), expected);
    }
}

#[test]
fn every_kind_of_term_says_what_is_missing() {
    for (term, expected) in [
        ("a", "a: does not exist, and no pod signals it"),
        ("?a within 5s", "?a: does not exist, and no pod signals it"),
        ("a@other", "a@other: does not exist, and no pod signals it"),
        ("up=v1", "up=v1: exists without the value v1"),
        ("up>=3", "up>=3: 1 of 3 owners assert it"),
        (
            "workers/*>=2",
            "workers/*>=2: 1 of 2 exist, signalled by Pod/worker, whose pod is not Ready",
        ),
        (
            "job/x",
            "job/x: does not exist; for the object, write job:x",
        ),
        (
            "deployment:db",
            "deployment:db: 0 of 1 replicas are ready, and Deployment/db waits itself",
        ),
        (
            "configmap:token{.data}",
            "configmap:token{.data}: is not what was asked",
        ),
        (
            "tcp://redis:6379",
            "tcp://redis:6379: probed from the pod, so that its state is not known here",
        ),
        (
            "cni/$(NODE_NAME)",
            "cni/$(NODE_NAME): judged once the pod has a node",
        ),
        ("!up", "!up: exists"),
    ] {
        let mut kit = Kit::mk();
        kit.create_variable("up");
        kit.create_variable("workers/1");
        kit.set_object("deployment:db@shop", "0 of 1 replicas are ready");
        kit.set_object("configmap:token@shop{.data}", "is not what was asked");
        kit.put(mk_pod("worker", "", "workers/2"));
        let db = with_owner(mk_pod("db-5d4f-x", "x/y", ""), "ReplicaSet", "db-5d4f");
        let mut db = with_wait(db, &running_wait());
        db["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
        kit.put(db);
        let shown = condition(&mut kit, term);
        let (_, told) = shown.split_once("for 1 of 1: ").unwrap_or(("", &shown));
        assert_eq!(told, expected);
    }
}

#[test]
fn the_reason_follows_from_terms_and_from_how_the_wait_has_ended() {
    let ended = |code: i64| json!({"terminated": {"exitCode": code, "message": "as it was"}});
    let missing = "a: does not exist, and no pod signals it";
    let since = |rest: &str| format!("Waiting since 2026-11-27T10:00:00Z for {rest}");
    for (terms, status, expected) in [
        (
            "a, up",
            running_wait(),
            format!("Waiting: {}", since(&format!("1 of 2: {missing}"))),
        ),
        (
            "a, !up",
            running_wait(),
            format!(
                "Failed: Failed. {}",
                since(&format!("2 of 2: !up: exists; {missing}"))
            ),
        ),
        (
            "a",
            json!({"state": {"running": {}}, "lastState": ended(124)}),
            format!(
                "TimedOut: Timed out. {}",
                since(&format!("1 of 1: {missing}"))
            ),
        ),
        (
            "a",
            json!({"state": ended(3)}),
            format!("Failed: Failed. {}", since(&format!("1 of 1: {missing}"))),
        ),
        (
            "a",
            json!({"state": ended(1)}),
            format!(
                "Waiting: The container oncue-wait has ended with exit code 1. {}",
                since(&format!("1 of 1: {missing}")),
            ),
        ),
        (
            "up",
            running_wait(),
            "Waiting: Everything holds, and the wait is about to end".to_owned(),
        ),
        (
            "a",
            json!({"state": ended(0)}),
            "Held: as it was".to_owned(),
        ),
    ] {
        let mut kit = Kit::mk();
        kit.create_variable("up");
        kit.put(with_wait(mk_pod("web", terms, ""), &status));
        kit.pass_seconds(2);
        assert_eq!(kit.shown("web"), expected, "{terms} {status}");
    }
}

#[test]
fn a_pod_that_failed_with_its_wait_says_why_and_stays_so() {
    let mut kit = Kit::mk();
    let ended = json!({"state": {"terminated": {"exitCode": 124, "message": "Timed out: a\n"}}});
    let mut pod = with_wait(mk_pod("web", "a", ""), &ended);
    pod["status"]["phase"] = "Failed".into();
    kit.put(pod);
    let reports = kit.pass_seconds(60);
    assert_eq!(kit.shown("web"), "TimedOut: Timed out: a");
    assert_eq!((reports.conditions.len(), reports.events.len()), (1, 1));
}

#[test]
fn the_gate_of_a_pod_times_out_fails_and_opens() {
    let mut kit = Kit::mk();
    let timeout = json!({"depends-on-timeout": "2m"});
    let pod = with_recorded(with_gate(mk_pod("web", "a, !up", "")), &timeout);
    kit.put(pod.clone());
    kit.pass_seconds(58);
    let missing = "a: does not exist, and no pod signals it";
    let waiting = format!("Waiting since 2026-11-27T10:00:00Z for 1 of 2: {missing}");
    assert_eq!(kit.shown("web"), format!("Waiting: {waiting}"));
    kit.pass_seconds(4);
    assert_eq!(kit.shown("web"), format!("TimedOut: Timed out. {waiting}"));
    kit.create_variable("up");
    kit.pass_seconds(2);
    let failed = "Waiting since 2026-11-27T10:00:00Z for 2 of 2: !up: exists; ";
    assert_eq!(
        kit.shown("web"),
        format!("Failed: Failed. {failed}{missing}")
    );
    kit.delete_variable("up");
    let mut open = pod;
    open["spec"]["schedulingGates"] = json!([]);
    kit.put(open);
    kit.pass_seconds(1);
    assert_eq!(kit.shown("web"), "Held: The scheduling gate is open");
}

#[test]
fn a_pod_without_dependencies_has_no_condition() {
    let mut kit = Kit::mk();
    kit.put(mk_pod("first", "", "first/up"));
    let reports = kit.pass_seconds(60);
    assert_eq!((reports.conditions, reports.events), (vec![], vec![]));
}

#[test]
fn text_of_others_is_escaped_and_no_message_is_longer_than_a_note() {
    let mut kit = Kit::mk();
    kit.set_object("pod:x@shop", "is not Ready: \u{202e}\n");
    let shown = condition(&mut kit, "pod:x");
    assert!(
        shown.ends_with(r"pod:x: is not Ready: \u{202e}\n"),
        "{shown}"
    );
    let terms: Vec<_> = (0..256)
        .map(|n| format!("{n}/{}", "x".repeat(200)))
        .collect();
    kit.put(with_wait(
        mk_pod("web", &terms.join(", "), ""),
        &running_wait(),
    ));
    let reports = kit.pass_seconds(40);
    let message = &reports.conditions[0].condition.message;
    assert!(
        message.contains("for 256 of 256: ") && message.ends_with(" more"),
        "{message}"
    );
    assert!(message.len() <= MAX_MESSAGE);
    assert!(reports.events.iter().all(|it| it.note.len() <= MAX_MESSAGE));
}

#[test]
fn a_long_wait_a_timeout_and_a_failure_are_told_once_each() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "a, !failed", "");
    kit.put(with_wait(pod.clone(), &running_wait()));
    let told = |reports: &Reports| {
        let events = reports.events.iter();
        let texts = events.map(|it| format!("{} {}", it.reason, it.count));
        texts.collect::<Vec<_>>()
    };
    assert_eq!(told(&kit.pass_seconds(120)), ["Waiting 1"]);
    let ended = json!({"terminated": {"exitCode": 124}});
    kit.put(with_wait(
        pod,
        &json!({"state": {"running": {}}, "lastState": ended}),
    ));
    assert_eq!(told(&kit.pass_seconds(120)), ["TimedOut 1"]);
    kit.create_variable("failed");
    assert_eq!(told(&kit.pass_seconds(120)), ["Failed 1"]);
    kit.delete_variable("failed");
    kit.pass_seconds(200);
    kit.create_variable("failed");
    assert_eq!(told(&kit.pass_seconds(120)), ["Failed 2"]);
}

#[test]
fn a_controller_that_starts_anew_tells_nothing_twice() {
    let mut kit = Kit::mk();
    kit.put(with_wait(mk_pod("web", "a", ""), &running_wait()));
    kit.put(with_gate(mk_pod("gated", "!up", "")));
    kit.create_variable("up");
    let reports = kit.pass_seconds(60);
    assert_eq!((reports.conditions.len(), reports.events.len()), (2, 2));
    kit.restart();
    let reports = kit.pass_seconds(60);
    assert_eq!((reports.conditions, reports.events), (vec![], vec![]));
}

#[test]
fn a_pod_whose_record_is_damaged_says_so_and_what_to_do() {
    let record = json!({"depends-on": ["a b"]});
    let with_container = |mut pod: Value| {
        pod["spec"]["initContainers"] = json!([{"name": "oncue-wait"}]);
        pod
    };
    for (pod, remedy) in [
        (
            with_gate(mk_pod("web", "a", "")),
            "its gate stays closed: recreate the pod, or let it go with `oncue release`",
        ),
        (
            with_container(with_wait(mk_pod("web", "a", ""), &running_wait())),
            "the log of its container oncue-wait says what it waits for",
        ),
    ] {
        let mut kit = Kit::mk();
        kit.put(with_record(pod, &record));
        kit.pass_seconds(2);
        let shown = kit.shown("web");
        let begin = "Waiting: Waiting since 2026-11-27T10:00:00Z: ";
        assert!(shown.starts_with(begin), "{shown}");
        assert!(
            shown.contains("oncue.dev/injected cannot be read: "),
            "{shown}"
        );
        assert!(shown.ends_with(remedy), "{shown}");
    }
}
