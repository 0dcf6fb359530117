//! Gates that the controller opens.

use http::StatusCode;

use super::*;
use crate::{
    controller::fake::Refusal,
    life::AssertionId,
    release::ReleaseReason,
    store::{Existing, NewAssertion, State},
};

const OURS: &str = "oncue.dev/depends-on";

/// A pod that was created when the tests begin, with its gate between those of others.
pub(super) fn mk_gated(record: &Value) -> Value {
    let mut pod = mk_pod("second", "u-2", "second/started");
    let metadata = &mut pod["metadata"];
    metadata["creationTimestamp"] = json!("2026-11-27T11:00:00Z");
    metadata["annotations"] = json!({"oncue.dev/injected": record.to_string()});
    pod["spec"]["schedulingGates"] =
        json!([{"name": "a.io/x"}, {"name": OURS}, {"name": "z.io/x"}]);
    pod["status"] = json!({"phase": "Pending"});
    pod
}

fn mk_record(terms: &[&str]) -> Value {
    json!({"hash": "h", "depends-on": terms, "depends-on-mode": "gate"})
}

pub(super) fn key(name: &str) -> VariableKey {
    VariableKey::new("shop".parse().unwrap(), name.parse().unwrap())
}

impl Running {
    pub(super) async fn create(&self, name: &str) {
        let assertion = NewAssertion {
            id: AssertionId::HAND,
            value: None,
            ttl: None,
            existing: Existing::Replace,
        };
        self.store.assert(key(name), assertion).await.unwrap();
    }

    fn gates(&self, pod: &Value) -> Vec<String> {
        let pod = self.api.get("pods", pod).unwrap();
        let gates = pod["spec"]["schedulingGates"].as_array().unwrap().iter();
        let names = gates.map(|gate| gate["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    fn is_open(&self, pod: &Value) -> bool {
        !self.gates(pod).contains(&OURS.to_owned())
    }

    /// Waits until the gate of a pod is open, and returns for how long.
    pub(super) async fn until_open(&self, pod: &Value) -> Duration {
        let begin = Instant::now();
        while !self.is_open(pod) {
            assert!(begin.elapsed() < Duration::from_mins(10), "it stays closed");
            sleep(Duration::from_millis(10)).await;
        }
        begin.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_whose_terms_hold_already_opens_at_once_and_those_of_others_stay() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/up").await;
    running.api.put("jobs", &mk_job(true));
    running
        .wait_until("job:migrate", |it| *it == Verdict::Held)
        .await;
    let pod = mk_gated(&mk_record(&["first/up", "job:migrate"]));
    running.api.put("pods", &pod);
    let taken = running.until_open(&pod).await;
    assert!(taken < Duration::from_millis(50), "{taken:?}");
    running.settle().await;
    assert_eq!(running.gates(&pod), ["a.io/x", "z.io/x"]);
    assert_eq!(running.api.patches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gate_opens_when_the_last_term_holds() {
    let pod = mk_gated(&mk_record(&["first/up", "db/$(POD_NAME)"]));
    let api = FakeApi::default();
    api.put("pods", &pod);
    let running = Running::start(api).await;
    running.create("first/up").await;
    running.settle().await;
    assert!(!running.is_open(&pod));
    running.create("db/second").await;
    let taken = running.until_open(&pod).await;
    assert!(taken < Duration::from_millis(50), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_gate_until_it_is_over() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/up").await;
    running.create("first/failed").await;
    let mut pod = mk_gated(&mk_record(&["first/up", "!first/failed"]));
    pod["metadata"]["creationTimestamp"] = json!("2026-11-27T10:59:50Z");
    running.api.put("pods", &pod);
    running.settle().await;
    assert!(!running.is_open(&pod));
    assert_eq!(running.store.stats().waiters, 1, "it does not poll");
    running.store.delete(key("first/failed")).await.unwrap();
    running.until_open(&pod).await;
}

#[tokio::test(start_paused = true)]
async fn an_earlier_failure_keeps_the_gate_30_seconds_after_the_pod_was_created() {
    for (seconds, is_open) in [(20, true), (40, false)] {
        let running = Running::start(FakeApi::default()).await;
        running.create("first/failed").await;
        let pod = mk_gated(&mk_record(&["first/up", "!first/failed"]));
        running.api.put("pods", &pod);
        sleep(Duration::from_secs(seconds)).await;
        running.create("first/up").await;
        running.settle().await;
        assert_eq!(running.is_open(&pod), is_open, "{seconds} s");
        assert_eq!(running.store.stats().waiters, usize::from(!is_open));
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_by_hand_opens_the_gate_and_answers_the_client_at_once() {
    let running = Running::start(FakeApi::default()).await;
    let mut gated = mk_gated(&mk_record(&["first/up", "!first/failed"]));
    running.create("first/failed").await;
    let mut inside = mk_gated(&json!({"depends-on": ["first/up"]}));
    inside["metadata"]["name"] = json!("third");
    inside["metadata"]["uid"] = json!("u-3");
    inside["spec"] = json!({});
    let mut request = mk_wait("first/up");
    request.who.uid = Some("u-3".into());
    for pod in [&gated, &inside] {
        running.api.put("pods", pod);
    }
    running.settle().await;
    request.revision = Some(running.store.wait(request.clone()).await.unwrap().revision);
    let held = running.store.wait(request);
    let reason: ReleaseReason = "the mirror is down".parse().unwrap();
    for (pod, uid) in [(&mut gated, "u-3"), (&mut inside, "u-2")] {
        pod["metadata"]["annotations"]["oncue.dev/release"] = json!(reason.annotation(uid));
        running.api.put("pods", pod);
    }
    running.settle().await;
    assert!(!running.is_open(&gated), "the release names another pod");
    for (pod, uid) in [(&mut gated, "u-2"), (&mut inside, "u-3")] {
        pod["metadata"]["annotations"]["oncue.dev/release"] = json!(reason.annotation(uid));
        running.api.put("pods", pod);
    }
    let taken = running.until_open(&gated).await;
    assert!(taken < Duration::from_millis(50), "{taken:?}");
    assert_eq!(held.await.unwrap().release, Some(reason));
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_of_an_earlier_failure_by_the_age_of_its_pod() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/failed").await;
    let mut pod = mk_gated(&json!({"depends-on": ["first/up", "!first/failed"]}));
    pod["spec"] = json!({});
    running.api.put("pods", &pod);
    sleep(Duration::from_secs(10)).await;
    let mut request = mk_wait("!first/failed");
    // Its wait begins later than the pod is created.
    request.who.since = running.store.now();
    request.who.uid = Some("u-2".into());
    let outcome = async || running.store.wait(request.clone()).await.unwrap().outcome;
    for (seconds, expected) in [(0, State::Held), (19, State::Held), (2, State::Failed)] {
        sleep(Duration::from_secs(seconds)).await;
        assert_eq!(outcome().await, expected, "{seconds} s later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_keeps_the_gate_until_the_dependency_arrives_late() {
    let mut record = mk_record(&["first/up"]);
    record["depends-on-timeout"] = json!("5s");
    let pod = mk_gated(&record);
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.settle().await;
    assert!(!running.is_open(&pod));
    running.create("first/up").await;
    running.until_open(&pod).await;
}

#[tokio::test(start_paused = true)]
async fn time_opens_the_gate_where_the_wait_proceeds_or_the_term_is_optional() {
    let mut proceeding = mk_record(&["first/up"]);
    proceeding["depends-on-timeout"] = json!("20s");
    proceeding["depends-on-timeout-policy"] = json!("proceed");
    for record in [proceeding, mk_record(&["?first/up within 20s"])] {
        let pod = mk_gated(&record);
        let running = Running::start(FakeApi::default()).await;
        running.api.put("pods", &pod);
        let taken = running.until_open(&pod).await.as_secs_f64();
        assert!((19.9..20.5).contains(&taken), "{taken} s: {record}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_counts_from_the_creation_of_the_pod_while_no_controller_runs_too() {
    let pod = mk_gated(&mk_record(&["?first/up within 20s"]));
    let mut running = Running::start(FakeApi::default()).await;
    running.tasks.abort_all();
    running.api.put("pods", &pod);
    running.settle().await;
    running.restart();
    let taken = running.until_open(&pod).await;
    assert!(taken < Duration::from_millis(50), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again_with_what_was_read_afresh() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/up").await;
    running.api.refuse_patch(Refusal {
        code: StatusCode::CONFLICT,
        retry_after: None,
    });
    let pod = mk_gated(&mk_record(&["first/up"]));
    running.api.put("pods", &pod);
    running.until_open(&pod).await;
    assert_eq!(running.api.patches(), 2);
    assert_eq!(running.api.reads(), ["namespaces/shop/pods/second"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_with_too_many_requests_gets_the_pause_that_it_asks_for() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/up").await;
    running.api.refuse_patch(Refusal {
        code: StatusCode::TOO_MANY_REQUESTS,
        retry_after: Some(7),
    });
    let pod = mk_gated(&mk_record(&["first/up"]));
    running.api.put("pods", &pod);
    let taken = running.until_open(&pod).await.as_secs_f64();
    assert!((7.0..7.5).contains(&taken), "{taken} s");
}

#[tokio::test(start_paused = true)]
async fn a_gate_stays_if_its_term_is_missing_again_before_the_next_try() {
    let running = Running::start(FakeApi::default()).await;
    running.create("first/up").await;
    running.api.refuse_patch(Refusal {
        code: StatusCode::INTERNAL_SERVER_ERROR,
        retry_after: Some(7),
    });
    let pod = mk_gated(&mk_record(&["first/up"]));
    running.api.put("pods", &pod);
    sleep(Duration::from_secs(1)).await;
    running.store.delete(key("first/up")).await.unwrap();
    running.settle().await;
    assert!(!running.is_open(&pod));
    running.create("first/up").await;
    running.until_open(&pod).await;
}

/// Replaces a gated pod while the controller does not see it, lets it open the gate that it knows,
/// and returns the gates of the new pod.
async fn gates_after(replace: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut pod = mk_gated(&mk_record(&["first/up"]));
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.settle().await;
    running.api.set_silent(true);
    replace(&mut pod);
    running.api.put("pods", &pod);
    running.create("first/up").await;
    running.settle().await;
    assert!(running.api.patches() > 0);
    running.gates(&pod)
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_same_name_with_another_uid_is_left_alone() {
    let gates = gates_after(|pod| pod["metadata"]["uid"] = json!("u-3")).await;
    assert_eq!(gates, ["a.io/x", OURS, "z.io/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_has_moved_is_found_again() {
    let moved = json!([{"name": OURS}, {"name": "z.io/x"}]);
    let gates = gates_after(|pod| pod["spec"]["schedulingGates"] = moved).await;
    assert_eq!(gates, ["z.io/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_someone_else_removed_is_accepted() {
    let others = json!([{"name": "a.io/x"}, {"name": "z.io/x"}]);
    let gates = gates_after(|pod| pod["spec"]["schedulingGates"] = others).await;
    assert_eq!(gates, ["a.io/x", "z.io/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_deleted_waits_no_more() {
    let pod = mk_gated(&mk_record(&["first/up"]));
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.settle().await;
    assert_eq!(running.store.stats().waiters, 1);
    running.api.remove("pods", &pod);
    running.settle().await;
    assert_eq!(running.store.stats().waiters, 0);
}

#[tokio::test(start_paused = true)]
async fn a_controller_without_gates_opens_none() {
    let api = FakeApi::default();
    let pod = mk_gated(&mk_record(&["first/up"]));
    api.put("pods", &pod);
    let settings = Settings {
        opens_gates: false,
        ..mk_settings()
    };
    let running = Running::start_with(api, settings).await;
    running.create("first/up").await;
    running.settle().await;
    assert!(!running.is_open(&pod));
}
