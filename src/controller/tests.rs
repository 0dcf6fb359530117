//! The controller beside a store, on an API server in memory. Time passes by itself.

mod gates;
mod leadership;
mod namespaces;
mod nudges;
mod reporting;
mod slow_store;

use std::{sync::Arc, time::Duration};

use oncue_core::access::Rules;
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{fake::FakeApi, *};
use crate::{
    identity::{Authenticator, Guard, Making, ManagedPods, Token, fake::FakeReviews},
    language::{Grace, Kind, Namespace, Owner, Subject, Term, VariableKey, Verdict},
    life::{AssertionId, Timestamp},
    memory::{Budget, StoreMemory},
    store::{Existing, Limits, Memory, NewAssertion, PausedClock, WaitRequest, Waiter},
};

/// A controller that runs, and what it sees and feeds.
struct Running {
    api: FakeApi,
    store: Store,
    settings: Settings,
    tasks: JoinSet<()>,
    /// The metrics of the controller that runs.
    registry: Registry,
}

impl Running {
    async fn start(api: FakeApi) -> Self {
        Self::start_with(api, mk_settings()).await
    }

    async fn start_with(api: FakeApi, settings: Settings) -> Self {
        let backend = Arc::new(Memory::new(Budget::UNLIMITED));
        let limits = Limits::within(100, StoreMemory::default());
        let store = Store::open(backend, limits, Arc::new(PausedClock::start()));
        let store = store.await.unwrap();
        let mut running = Self {
            api,
            store,
            settings,
            tasks: JoinSet::new(),
            registry: Registry::default(),
        };
        running.restart();
        running
    }

    /// Ends the controller, and starts another one.
    fn restart(&mut self) {
        self.tasks.abort_all();
        let settings = self.settings.clone();
        let controller = Controller::new(self.api.client(), self.store.clone(), settings);
        self.registry = Registry::default();
        controller.register(&mut self.registry);
        let (trigger, shutdown) = Shutdown::new();
        self.tasks.spawn(async move {
            let _trigger = trigger;
            controller.run(shutdown).await;
        });
    }

    fn exists(&self, name: &str) -> bool {
        let namespace: Namespace = "shop".parse().unwrap();
        let key = VariableKey::new(namespace, name.parse().unwrap());
        self.store.exists(&key)
    }

    /// Waits until a variable exists, or does not.
    async fn until(&self, name: &str, exists: bool) {
        for _ in 0..6000 {
            if self.exists(name) == exists {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        unreachable!("{name} does not come to be as awaited");
    }

    /// Lets the controller do whatever it would.
    async fn settle(&self) {
        sleep(Duration::from_mins(1)).await;
    }
}

fn mk_settings() -> Settings {
    Settings {
        access: Access::default(),
        keys: Keys::default(),
        opens_gates: true,
    }
}

fn mk_pod(name: &str, uid: &str, signal: &str) -> Value {
    let record = json!({"hash": "h", "signals": [signal]}).to_string();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": "shop", "name": name, "uid": uid,
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "labels": {"oncue.dev/managed": "true"},
            "annotations": {"oncue.dev/injected": record},
        },
        "spec": {"containers": [{"name": "app"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{
                "name": "app",
                "state": {"running": {"startedAt": "2026-11-27T10:00:05Z"}},
            }],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_signal_whose_marker_never_ran_comes_from_the_status_of_the_pod() {
    let running = Running::start(FakeApi::default()).await;
    let mut pod = mk_pod("first", "u-1", "first/started");
    let started = pod["status"].take();
    running.api.put("pods", &pod);
    running.settle().await;
    assert!(!running.exists("first/started"));
    pod["status"] = started;
    running.api.put("pods", &pod);
    running.until("first/started", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_with_its_pod() {
    let pod = mk_pod("first", "u-1", "first/started");
    let api = FakeApi::default();
    api.put("pods", &pod);
    let running = Running::start(api).await;
    running.until("first/started", true).await;
    running.api.remove("pods", &pod);
    running.until("first/started", false).await;
    assert_eq!(running.api.reads(), ["namespaces/shop/pods/first"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_lost_its_label_keeps_its_signal() {
    let mut pod = mk_pod("first", "u-1", "first/started");
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until("first/started", true).await;
    pod["metadata"]["labels"] = json!({});
    running.api.put("pods", &pod);
    running.settle().await;
    assert!(running.exists("first/started"));
    running.api.remove("pods", &pod);
    running.until("first/started", false).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_while_the_api_server_is_down_loses_its_signal_afterwards() {
    let pod = mk_pod("first", "u-1", "first/started");
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until("first/started", true).await;
    running.api.set_down(true);
    running.api.remove("pods", &pod);
    running.settle().await;
    assert!(running.exists("first/started"));
    running.api.set_down(false);
    running.until("first/started", false).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_while_no_controller_runs_loses_its_signal_afterwards() {
    let pod = mk_pod("first", "u-1", "first/started");
    let mut running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until("first/started", true).await;
    running.tasks.abort_all();
    running.api.remove("pods", &pod);
    running.restart();
    running.until("first/started", false).await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_of_a_pod_that_never_existed_is_withdrawn_and_counted() {
    let running = Running::start(FakeApi::default()).await;
    let owner = Owner::pod("shop".parse().unwrap(), "nobody", "u-9");
    let key = VariableKey::new(owner.namespace.clone(), "a/b".parse().unwrap());
    let live = NewAssertion {
        id: AssertionId::of(owner, Kind::Live),
        value: None,
        ttl: None,
        existing: Existing::Replace,
    };
    running.store.assert(key, live).await.unwrap();
    running.until("a/b", false).await;
    let mut metrics = String::new();
    encode(&mut metrics, &running.registry).unwrap();
    assert!(
        metrics.contains("owners_without_pod_total 1\n"),
        "{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_someone_deletes_is_made_again() {
    let pod = mk_pod("first", "u-1", "first/started");
    let running = Running::start(FakeApi::default()).await;
    running.api.put("pods", &pod);
    running.until("first/started", true).await;
    let namespace: Namespace = "shop".parse().unwrap();
    let key = VariableKey::new(namespace, "first/started".parse().unwrap());
    running.store.delete(key).await.unwrap();
    running.until("first/started", true).await;
}

fn mk_job(succeeded: bool) -> Value {
    let condition = json!([{"type": "Complete", "status": "True"}]);
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"namespace": "shop", "name": "migrate", "uid": "j-1"},
        "spec": {"completions": 1},
        "status": {"conditions": if succeeded { condition } else { json!([]) }},
    })
}

fn mk_wait(term: &str) -> WaitRequest {
    let term: Term = term.parse().unwrap();
    let namespace: Namespace = "shop".parse().unwrap();
    let condition = term.condition(&namespace).unwrap().unwrap();
    WaitRequest {
        who: Waiter {
            namespace,
            pod: Some("second".into()),
            uid: None,
            since: Timestamp::default(),
        },
        conditions: [condition].into(),
        revision: None,
        knows_release: false,
    }
}

impl Running {
    /// Waits like a client until a term is in a state, and returns the reason.
    async fn wait_until(&self, term: &str, is_it: impl Fn(&Verdict) -> bool) -> Verdict {
        let mut request = mk_wait(term);
        for _ in 0..100 {
            let held = self.store.wait(request.clone());
            let Ok(answer) = timeout(Duration::from_secs(30), held).await else {
                let present = self
                    .store
                    .judge(&request.conditions, (Grace::Over, &request.who.namespace))
                    .unwrap();
                if is_it(&present.terms[0]) {
                    return present.terms[0].clone();
                }
                continue;
            };
            let answer = answer.unwrap();
            if is_it(&answer.terms[0]) {
                return answer.terms[0].clone();
            }
            // What holds is answered at once.
            sleep(Duration::from_millis(10)).await;
            request.revision = Some(answer.revision);
        }
        unreachable!("{term} does not come to be as awaited");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_released_when_the_object_that_it_asks_for_holds() {
    let running = Running::start(FakeApi::default()).await;
    let missing = |text: &'static str| {
        move |verdict: &Verdict| {
            verdict
                .reason()
                .is_some_and(|it| it.to_string().contains(text))
        }
    };
    running
        .wait_until("job:migrate", missing("does not exist"))
        .await;
    running.api.put("jobs", &mk_job(false));
    running.wait_until("job:migrate", missing("of 1")).await;
    running.api.put("jobs", &mk_job(true));
    running
        .wait_until("job:migrate", |it| *it == Verdict::Held)
        .await;
    running.api.remove("jobs", &mk_job(true));
    running
        .wait_until("job:migrate", missing("does not exist"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_object_is_forgotten_a_minute_after_the_last_one_asked_for_it() {
    let running = Running::start(FakeApi::default()).await;
    running.api.put("jobs", &mk_job(true));
    let held = running.wait_until("job:migrate", |it| *it == Verdict::Held);
    held.await;
    let Subject::Object(key) = &mk_wait("job:migrate").conditions[0].subject else {
        unreachable!("it asks for an object");
    };
    assert!(running.store.knows_object(key));
    sleep(Duration::from_secs(50)).await;
    assert!(running.store.knows_object(key));
    sleep(Duration::from_secs(50)).await;
    assert!(!running.store.knows_object(key));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_client_polls_is_not_forgotten() {
    let running = Running::start(FakeApi::default()).await;
    running.api.put("jobs", &mk_job(true));
    let held = running.wait_until("job:migrate", |it| *it == Verdict::Held);
    held.await;
    let request = mk_wait("job:migrate");
    for _ in 0..36 {
        sleep(Duration::from_secs(5)).await;
        let answer = running.store.wait(request.clone()).await.unwrap();
        assert_eq!(answer.terms, [Verdict::Held]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_the_reason_until_it_is_granted() {
    let running = Running::start(FakeApi::default()).await;
    running.api.put("jobs", &mk_job(true));
    running.api.forbid(Some("jobs"));
    let is_forbidden = |verdict: &Verdict| {
        let reason = verdict.reason().map(ToString::to_string);
        reason.is_some_and(|it| it.contains("oncue may not read jobs.batch"))
    };
    running.wait_until("job:migrate", is_forbidden).await;
    running.api.forbid(None);
    running
        .wait_until("job:migrate", |it| *it == Verdict::Held)
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_token_of_a_pod_has_opened_ends_with_the_pod() {
    let reviews = FakeReviews::new();
    let pods = ManagedPods::default();
    let making = Making {
        budget: 1 << 20,
        operator: None,
        pods: pods.clone(),
    };
    let guard = Arc::new(Guard {
        rules: Rules::default(),
        authenticator: Authenticator::new(reviews.client(), making),
        pods,
    });
    let settings = Settings {
        access: Access::Identified(Arc::clone(&guard)),
        ..mk_settings()
    };
    let api = FakeApi::default();
    let pod = mk_pod("web", "uid-of-web", "a");
    api.put("pods", &pod);
    let running = Running::start_with(api, settings).await;
    running.settle().await;
    assert!(guard.pods.watches("uid-of-web"));
    let token: Token = reviews.pod_token(("shop", "web"), 3_600).parse().unwrap();
    let origin = ([10, 0, 0, 1].into(), Timestamp::default());
    let session = guard.authenticator.authenticate(token, origin).await;
    let session = session.unwrap();

    running.api.remove("pods", &pod);
    session.ended().await;
    assert!(!guard.pods.watches("uid-of-web"));
}
