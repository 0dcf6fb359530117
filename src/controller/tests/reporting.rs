//! What the controller reports of pods that wait.

use http::StatusCode;
use prometheus_client::encoding::text::encode;

use super::{gates::key, *};
use crate::{
    controller::{
        fake::{Refusal, Write},
        writes::Written,
    },
    reporting::CONDITION,
};

/// A pod whose waiting container runs.
fn mk_waiting(name: &str, terms: &[&str], signals: &[&str]) -> Value {
    let mut pod = mk_pod(name, &format!("u-{name}"), "");
    let record = json!({"hash": "h", "depends-on": terms, "signals": signals}).to_string();
    pod["metadata"]["annotations"] = json!({"oncue.dev/injected": record});
    let running = json!({"running": {"startedAt": "2026-11-27T10:00:05Z"}});
    pod["status"] = json!({
        "phase": "Pending",
        "initContainerStatuses": [{"name": "oncue-wait", "state": running}],
    });
    pod
}

/// A pod that waits for `first/up` behind a gate.
fn mk_gated() -> Value {
    let mut pod = mk_waiting("second", &["first/up"], &[]);
    let record = json!({"hash": "h", "depends-on": ["first/up"], "depends-on-mode": "gate"});
    pod["metadata"]["annotations"] = json!({"oncue.dev/injected": record.to_string()});
    pod["spec"]["schedulingGates"] = json!([{"name": "oncue.dev/depends-on"}]);
    pod["status"] = json!({"phase": "Pending"});
    pod
}

fn refusal(code: StatusCode, retry_after: Option<u32>) -> Refusal {
    Refusal { code, retry_after }
}

impl Running {
    /// Returns the condition of a pod as `Waiting: message`, or nothing.
    fn condition(&self, pod: &Value) -> String {
        let pod = self.api.get("pods", pod).unwrap_or_default();
        let conditions = pod["status"]["conditions"].as_array().cloned();
        let mut conditions = conditions.unwrap_or_default().into_iter();
        let found = conditions.find(|it| it["type"] == CONDITION);
        found.map_or_else(String::new, |found| {
            let text = |key: &str| found[key].as_str().unwrap().to_owned();
            format!("{}: {}", text("reason"), text("message"))
        })
    }

    /// Waits until the condition of a pod begins so, and returns for how long.
    async fn until_condition(&self, pod: &Value, expected: &str) -> Duration {
        let begin = Instant::now();
        while !self.condition(pod).starts_with(expected) {
            let shown = self.condition(pod);
            assert!(begin.elapsed() < Duration::from_mins(20), "{shown}");
            sleep(Duration::from_millis(100)).await;
        }
        begin.elapsed()
    }

    fn conditions_written(&self) -> usize {
        self.api.writes(Written::Condition).len()
    }

    fn events(&self) -> Vec<Write> {
        self.api.writes(Written::Event)
    }

    /// Changes the status of a pod as its kubelet does.
    fn end_wait(&self, pod: &Value) {
        let mut pod = self.api.get("pods", pod).unwrap();
        let ended = json!({"terminated": {"exitCode": 0, "message": "Ready after 5s"}});
        pod["status"]["initContainerStatuses"][0]["state"] = ended;
        self.api.put("pods", &pod);
    }
}

#[tokio::test(start_paused = true)]
async fn the_condition_of_a_pod_follows_its_wait() {
    let running = Running::start(FakeApi::default()).await;
    let pod = mk_waiting("second", &["first/up", "job:migrate"], &[]);
    running.api.put("pods", &pod);
    let head = "Waiting: Waiting since 2026-11-27T10:00:00Z for";
    let both = format!(
        "{head} 2 of 2: first/up: does not exist, and no pod signals it; job:migrate: does not \
         exist"
    );
    running.until_condition(&pod, &both).await;
    running.create("first/up").await;
    let one = format!("{head} 1 of 2: job:migrate: does not exist");
    let taken = running.until_condition(&pod, &one).await;
    assert!(taken <= Duration::from_secs(3), "{taken:?}");
    running.end_wait(&pod);
    let taken = running.until_condition(&pod, "Held: Ready after 5s").await;
    assert!(taken <= Duration::from_secs(2), "{taken:?}");
    let written = running.api.writes(Written::Condition);
    assert!(
        written
            .iter()
            .all(|it| it.call == "PATCH namespaces/shop/pods/second")
    );
    running.settle().await;
    assert_eq!(
        running.conditions_written(),
        written.len(),
        "nothing is written again"
    );
    assert_eq!(
        running.store.stats().waiters,
        0,
        "nobody waits for the report"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gate_is_reported_while_it_is_closed_and_when_it_opens() {
    let running = Running::start(FakeApi::default()).await;
    let pod = mk_gated();
    running.api.put("pods", &pod);
    running.until_condition(&pod, "Waiting: ").await;
    running.create("first/up").await;
    running
        .until_condition(&pod, "Held: The scheduling gate is open")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_ring_of_three_is_reported_on_each_within_5_seconds() {
    let running = Running::start(FakeApi::default()).await;
    let pods = [("a", "b"), ("b", "c"), ("c", "a")]
        .map(|(name, next)| mk_waiting(name, &[&format!("{next}/up")], &[&format!("{name}/up")]));
    for pod in &pods {
        running.api.put("pods", pod);
    }
    let begin = Instant::now();
    let ring = "Deadlock: Deadlock: Pod/a waits for b/up from Pod/b, Pod/b waits for c/up from \
                Pod/c, Pod/c waits for a/up from Pod/a. ";
    for pod in &pods {
        running.until_condition(pod, ring).await;
    }
    let taken = begin.elapsed();
    assert!(taken <= Duration::from_secs(5), "{taken:?}");
    sleep(Duration::from_secs(1)).await;
    let mut told: Vec<_> = running.events().into_iter().map(|it| it.body).collect();
    told.sort_by_key(|it| it["regarding"]["name"].to_string());
    let reasons = told
        .iter()
        .map(|it| (&it["regarding"]["name"], &it["reason"]));
    let expected = ["a", "b", "c"].map(|name| (json!(name), json!("DependenciesDeadlocked")));
    assert!(
        reasons.eq(expected.iter().map(|(name, reason)| (name, reason))),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_report_a_gate_still_opens() {
    let api = FakeApi::default();
    api.forbid(Some("status"));
    let running = Running::start(api).await;
    let pod = mk_gated();
    running.api.put("pods", &pod);
    running.settle().await;
    running.create("first/up").await;
    running.settle().await;
    assert_eq!(running.api.patches(), 1);
    assert_eq!(running.condition(&pod), "");
    running.api.forbid(None);
    running.until_condition(&pod, "Held: ").await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_condition_is_tried_again_after_the_pause_that_fits() {
    for (refusal, seconds) in [
        (refusal(StatusCode::NOT_FOUND, None), 5..8),
        (refusal(StatusCode::CONFLICT, None), 5..8),
        (refusal(StatusCode::UNPROCESSABLE_ENTITY, None), 5..8),
        (refusal(StatusCode::INTERNAL_SERVER_ERROR, None), 5..8),
        (refusal(StatusCode::TOO_MANY_REQUESTS, Some(20)), 20..23),
        (refusal(StatusCode::FORBIDDEN, None), 300..303),
    ] {
        let running = Running::start(FakeApi::default()).await;
        running.api.refuse(Written::Condition, refusal);
        let pod = mk_waiting("second", &["first/up"], &[]);
        running.api.put("pods", &pod);
        let first = async {
            while running.conditions_written() == 0 {
                sleep(Duration::from_millis(100)).await;
            }
        };
        first.await;
        let taken = running.until_condition(&pod, "Waiting: ").await.as_secs();
        assert!(seconds.contains(&taken), "{taken} s after {}", refusal.code);
    }
}

#[tokio::test(start_paused = true)]
async fn no_report_is_written_while_the_api_server_has_too_many_requests() {
    let running = Running::start(FakeApi::default()).await;
    let too_many = refusal(StatusCode::TOO_MANY_REQUESTS, Some(60));
    running.api.refuse(Written::Condition, too_many);
    running
        .api
        .put("pods", &mk_waiting("one", &["first/up"], &[]));
    sleep(Duration::from_secs(5)).await;
    let other = mk_waiting("other", &["first/up"], &[]);
    running.api.put("pods", &other);
    sleep(Duration::from_secs(50)).await;
    assert_eq!(running.conditions_written(), 1);
    running.until_condition(&other, "Waiting: ").await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_the_same_name_with_another_uid_gets_no_condition_of_the_first() {
    let mut pod = mk_waiting("second", &["first/up"], &[]);
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until_condition(&pod, "Waiting: ").await;
    running.api.set_silent(true);
    pod["metadata"]["uid"] = json!("u-3");
    running.api.put("pods", &pod);
    running.create("first/up").await;
    running.settle().await;
    assert!(running.conditions_written() > 1);
    assert_eq!(running.condition(&pod), "");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_someone_removes_is_restored() {
    let pod = mk_waiting("second", &["first/up"], &[]);
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until_condition(&pod, "Waiting: ").await;
    let expected = running.condition(&pod);
    running.api.put("pods", &pod);
    assert_eq!(running.condition(&pod), "");
    running.until_condition(&pod, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_one_event_however_often_the_controller_starts() {
    let pod = mk_waiting("second", &["first/up"], &[]);
    let mut running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.settle().await;
    let name = "second.u-second.waitingfordependencies";
    let created = running.events();
    assert_eq!(created.len(), 1, "{created:?}");
    assert_eq!(created[0].call, "POST namespaces/shop/events");
    assert_eq!(created[0].body["metadata"]["name"], name);
    running.restart();
    running.settle().await;
    assert_eq!(running.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_happens_again_is_counted_in_the_same_event_or_in_a_new_one() {
    let pod = mk_waiting("second", &["first/up", "!first/failed"], &[]);
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    for _ in 0..3 {
        running.create("first/failed").await;
        sleep(Duration::from_mins(3)).await;
        running.store.delete(key("first/failed")).await.unwrap();
        sleep(Duration::from_mins(3)).await;
    }
    let failures = |running: &Running| {
        let events = running.events().into_iter();
        let failures = events
            .filter(|it| it.call.contains("failed") || it.body["reason"] == "DependenciesFailed");
        failures.collect::<Vec<_>>()
    };
    let told = failures(&running);
    let calls: Vec<_> = told
        .iter()
        .map(|it| it.call.split(' ').next().unwrap())
        .collect();
    assert_eq!(calls, ["POST", "PATCH", "PATCH"]);
    assert_eq!(told[2].body["series"]["count"], 3);
    running.api.remove("events", &told[0].body);
    running.create("first/failed").await;
    sleep(Duration::from_mins(3)).await;
    let told = failures(&running);
    let calls: Vec<_> = told
        .iter()
        .map(|it| it.call.split(' ').next().unwrap())
        .collect();
    assert_eq!(calls, ["POST", "PATCH", "PATCH", "PATCH", "POST"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_is_lost_and_the_condition_is_not() {
    let pod = mk_waiting("second", &["first/up"], &[]);
    let running = Running::start(FakeApi::default()).await;
    running
        .api
        .refuse(Written::Event, refusal(StatusCode::FORBIDDEN, None));
    running.api.put("pods", &pod);
    running.settle().await;
    running.settle().await;
    assert_eq!(running.events().len(), 1);
    assert!(running.condition(&pod).starts_with("Waiting: "));
}

#[tokio::test(start_paused = true)]
async fn pods_that_wait_and_what_is_written_is_counted() {
    let running = Running::start(FakeApi::default()).await;
    running
        .api
        .put("pods", &mk_waiting("second", &["job:migrate"], &[]));
    let mut bare = mk_pod("bare", "u-bare", "");
    bare["metadata"]["annotations"] = json!({});
    running.api.put("pods", &bare);
    for (name, annotations) in [
        ("asks", json!({"depends-on": "a"})),
        ("errs", json!({"depends-on": "a b"})),
        (
            "switched-off",
            json!({"depends-on": "a", "oncue.dev/inject": "false"}),
        ),
        ("other", json!({"other.io/x": "a"})),
    ] {
        let mut pod = mk_pod(name, name, "");
        pod["metadata"]["annotations"] = annotations;
        pod["metadata"]["labels"] = json!({});
        running.api.put("pods", &pod);
    }
    running.settle().await;
    let mut text = String::new();
    encode(&mut text, &running.registry).unwrap();
    for line in [
        "controller_waiting_pods{namespace=\"shop\",reason=\"Waiting\"} 1",
        "controller_oldest_wait_seconds 3659",
        "controller_conditions_total{reason=\"Waiting\"} 1",
        "controller_events_total{reason=\"Waiting\"} 1",
        "controller_labelled_uninjected_pods 1",
        "controller_uninjected_pods 2",
        "controller_watches 3",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    running.api.remove("pods", &mk_waiting("second", &[], &[]));
    sleep(Duration::from_secs(5)).await;
    let mut text = String::new();
    encode(&mut text, &running.registry).unwrap();
    assert!(!text.contains("controller_waiting_pods{"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_failure_is_reported_when_it_counts_for_the_store() {
    let running = Running::start(FakeApi::default()).await;
    running.settle().await;
    running.create("migrate/failed").await;
    sleep(Duration::from_secs(5)).await;
    let mut pod = mk_waiting("second", &["first/up", "!migrate/failed"], &[]);
    // The clock of the API server is ahead of the store's.
    let created = running.store.now() + Duration::from_hours(1);
    pod["metadata"]["creationTimestamp"] = created.to_string().into();
    running.api.put("pods", &pod);
    running.until_condition(&pod, "Waiting: ").await;
    let taken = running.until_condition(&pod, "Failed: ").await;
    let about_30 = Duration::from_secs(25)..Duration::from_secs(35);
    assert!(about_30.contains(&taken), "{taken:?}");
}
