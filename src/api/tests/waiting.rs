use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::kit::{Kit, Making, WAIT, mk_wait};
use crate::{
    dependent_pod::DependentPod,
    language::{Namespace, Owner},
    memory::StoreMemory,
    net::Phase,
    store::{Limits, ObjectSource, PausedClock},
};

fn mk_pod(name: &str) -> Owner {
    Owner::pod(Namespace::default(), name, format!("uid-of-{name}"))
}

#[tokio::test]
async fn the_present_state_is_answered_at_once() {
    let kit = Kit::new().await;
    kit.put("/v1/namespaces/other/variables/a", r#"{"value":"v"}"#)
        .await;
    let terms = ["b", "a@other", "?a@other=w within 5m", "!x/failed"];
    let answer = kit.post(WAIT, mk_wait(&terms, None)).await.json();
    assert_eq!(answer["outcome"], "missing");
    let expected = json!([
        {"term": "b@default", "state": "missing", "reason": "does not exist"},
        {"term": "a@other", "state": "held"},
        {"term": "a@other=w", "state": "missing", "reason": "exists without the value w"},
        {"term": "!x/failed@default", "state": "held"},
    ]);
    assert_eq!(answer["terms"], expected);
}

#[tokio::test]
async fn no_terms_hold() {
    let answer = Kit::new().await.post(WAIT, mk_wait(&[], None)).await.json();
    assert_eq!(answer["outcome"], "held");
}

#[tokio::test]
async fn a_failure_term_fails_the_wait() {
    let kit = Kit::new().await;
    kit.post("/", r#"{"variable":"x/failed"}"#).await;
    let answer = kit
        .post(WAIT, mk_wait(&["a", "!x/failed"], None))
        .await
        .json();
    assert_eq!(answer["outcome"], "failed");
    assert_eq!(
        answer["terms"][1],
        json!({"term": "!x/failed@default", "state": "failed", "reason": "exists"})
    );
}

#[tokio::test]
async fn a_held_wait_is_answered_when_its_variable_is_created() {
    let kit = Kit::new().await;
    let held = kit.begin_wait(&["a"]).await;
    kit.put("/v1/namespaces/default/variables/b", "").await;
    assert!(!held.is_finished());
    kit.put("/v1/namespaces/default/variables/a", "").await;
    assert_eq!(held.await.unwrap().json()["outcome"], "held");
    assert_eq!(kit.store.stats().waiters, 0);
}

#[tokio::test(start_paused = true)]
async fn a_held_wait_is_refreshed_after_50_seconds() {
    let kit = Kit::new().await;
    let begin = Instant::now();
    let held = kit.begin_wait(&["a"]).await;
    let answer = held.await.unwrap().json();
    assert_eq!(begin.elapsed().as_secs(), 50);
    assert_eq!(answer["outcome"], "missing");
    assert_eq!(kit.store.stats().waiters, 0);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_failure_ends_a_held_wait_30_seconds_after_its_pod_was_created() {
    let kit = Kit::of(Making {
        clock: Arc::new(PausedClock::start()),
        ..Making::default()
    });
    let kit = kit.await;
    kit.store.feed_pods();
    kit.put("/v1/namespaces/default/variables/x/failed", "")
        .await;
    sleep(Duration::from_secs(5)).await;
    let id = mk_pod("second");
    kit.store.set_pod(&DependentPod {
        waits: true,
        created: kit.store.now(),
        id: id.clone(),
        release: Ok(None),
    });
    sleep(Duration::from_secs(20)).await;
    let begin = Instant::now();
    let terms = ["a", "!x/failed"];
    let mut body = json!({"terms": terms, "waiter": id});
    let first = kit.post(WAIT, body.to_string()).await.json();
    assert_eq!(first["outcome"], "missing");
    body["revision"] = first["revision"].clone();
    let held = kit.hold(body.to_string()).await;
    let listed = kit.get("/v1/waiters").await.json();
    assert_eq!(listed["waiters"][0]["terms"][1]["state"], "held");
    let answer = held.await.unwrap().json();
    assert_eq!(answer["outcome"], "failed");
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_held_wait_is_answered_when_a_person_lets_its_pod_go() {
    let kit = Kit::new().await;
    let id = mk_pod("second");
    for terms in [&["a", "!b"][..], &[]] {
        kit.store.forget_pod(&id.uid);
        let mut body = json!({"terms": terms, "waiter": id});
        let first = kit.post(WAIT, body.to_string()).await.json();
        assert_eq!(first["released"], Value::Null);
        body["revision"] = first["revision"].clone();
        let held = kit.hold(body.to_string()).await;
        kit.store.set_pod(&DependentPod {
            waits: true,
            created: kit.store.now(),
            id: id.clone(),
            release: Ok(Some("the mirror is down".parse().unwrap())),
        });
        let answer = held.await.unwrap().json();
        assert_eq!(answer["released"], "the mirror is down");
        assert_eq!(answer["outcome"], first["outcome"], "states do not lie");
        assert_eq!(kit.store.stats().waiters, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ignores_its_release_is_held_and_told_again_after_50_seconds() {
    let kit = Kit::new().await;
    let id = mk_pod("second");
    kit.store.set_pod(&DependentPod {
        waits: true,
        created: kit.store.now(),
        id: id.clone(),
        release: Ok(Some("the mirror is down".parse().unwrap())),
    });
    let mut body = json!({"terms": ["a"], "waiter": id});
    let mut answer = kit.post(WAIT, body.to_string()).await.json();
    for _ in 0..2 {
        assert_eq!(answer["released"], "the mirror is down");
        body["revision"] = answer["revision"].clone();
        let begin = Instant::now();
        answer = kit.post(WAIT, body.to_string()).await.json();
        assert_eq!(begin.elapsed().as_secs(), 50);
    }
}

#[tokio::test]
async fn a_revision_that_nobody_gave_out_means_now() {
    let kit = Kit::new().await;
    for revision in [
        "",
        "nonsense",
        "0-1",
        "ffffffffffffffff-18446744073709551615",
    ] {
        let reply = kit.post(WAIT, mk_wait(&["a"], Some(revision))).await;
        assert_eq!(reply.json()["outcome"], "missing", "{revision}");
    }
}

#[tokio::test]
async fn waiters_with_the_same_terms_share_the_bytes_of_their_answer() {
    let kit = Kit::new().await;
    let first = kit.begin_wait(&["a", "?b"]).await;
    let second = kit.begin_wait(&["//a", "b within 5m"]).await;
    kit.put("/v1/namespaces/default/variables/a", "").await;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!(first.body.as_ptr(), second.body.as_ptr());
}

#[tokio::test]
async fn a_waiter_is_listed_until_it_goes_away() {
    let kit = Kit::new().await;
    let revision = kit.revision(&["a"]).await;
    let body = json!({
        "terms": ["a", "?b@other>=2 within 5m"],
        "revision": revision,
        "waiter": {"namespace": "default", "name": "second", "uid": "1"},
        "since": "2026-11-24T08:20:00Z",
    });
    let held = tokio::spawn({
        let (kit, body) = (kit.clone(), body.to_string());
        async move { kit.post(WAIT, body).await }
    });
    kit.until_waiters(1).await;
    let expected = json!([{
        "pod": "second",
        "namespace": "default",
        "since": "2026-11-24T08:20:00Z",
        "terms": [
            {"term": "a@default", "state": "missing", "reason": "does not exist"},
            {"term": "b@other>=2", "state": "missing", "reason": "does not exist"},
        ],
    }]);
    assert_eq!(kit.get("/v1/waiters").await.json()["waiters"], expected);
    assert_eq!(
        kit.get("/v1/namespaces/default/waiters").await.json()["waiters"],
        expected
    );
    assert_eq!(
        kit.get("/v1/namespaces/other/waiters").await.json()["waiters"],
        json!([])
    );
    held.abort();
    kit.until_waiters(0).await;
    assert_eq!(kit.get("/v1/waiters").await.json()["waiters"], json!([]));
}

#[tokio::test]
async fn who_comes_when_enough_are_held_is_told_to_come_later() {
    let limits = Limits {
        waiters: 1,
        ..Limits::within(1000, StoreMemory::default())
    };
    let kit = Kit::of(Making {
        limits,
        ..Making::default()
    })
    .await;
    let _held = kit.begin_wait(&["a"]).await;
    let revision = kit.revision(&["a"]).await;
    let reply = kit.post(WAIT, mk_wait(&["a"], Some(&revision))).await;
    assert_eq!(
        (reply.status, &*reply.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "too-many-waiters")
    );
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(reply.header("connection"), "close");
}

#[tokio::test]
async fn objects_are_judged_where_somebody_tells_of_them() {
    let kit = Kit::new().await;
    kit.store.judge_objects(ObjectSource::Fed);
    let answer = kit.post(WAIT, mk_wait(&["job:m"], None)).await.json();
    assert_eq!(answer["terms"][0]["term"], "job:m@default");
    assert_eq!(answer["outcome"], "missing");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_held_while_the_process_drains() {
    let kit = Kit::new().await;
    let held = kit.begin_wait(&["a"]).await;
    assert_eq!(kit.get("/readyz").await.status, StatusCode::OK);
    kit.trigger.advance(Phase::Draining);
    assert_eq!(held.await.unwrap().json()["outcome"], "missing");
    let revision = kit.revision(&["a"]).await;
    let reply = kit.post(WAIT, mk_wait(&["a"], Some(&revision))).await;
    assert_eq!(reply.json()["outcome"], "missing");
    assert_eq!(kit.get("/readyz").await.problem(), "store-unavailable");
    assert_eq!(kit.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn news_reach_those_who_are_still_held_while_the_process_drains() {
    let kit = Kit::new().await;
    let held = kit.begin_wait(&["a"]).await;
    kit.trigger.advance(Phase::Draining);
    kit.post("/", r#"{"variable":"a"}"#).await;
    assert_eq!(held.await.unwrap().json()["outcome"], "held");
}

#[tokio::test(start_paused = true)]
async fn waits_and_creates_are_counted() {
    let kit = Kit::new().await;
    let _held = kit.begin_wait(&["a"]).await;
    for _ in 0..2 {
        kit.post("/", r#"{"variable":"b"}"#).await;
    }
    let metrics = String::from_utf8(kit.get("/metrics").await.body.to_vec()).unwrap();
    for line in [
        "oncue_store_waiters 1",
        "oncue_store_variables 1",
        "oncue_store_creates_total{cause=\"hand\",result=\"created\"} 1",
        "oncue_store_creates_total{cause=\"hand\",result=\"unchanged\"} 1",
        "oncue_store_wait_answers_total{outcome=\"missing\"} 1",
        "oncue_store_commit_duration_seconds_count 2",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in {metrics}"
        );
    }
}

#[tokio::test]
async fn a_namespace_that_has_its_share_of_the_waiters_is_told_to_come_later() {
    let limits = Limits {
        waiters: 9,
        ..Limits::within(1000, StoreMemory::default())
    };
    let kit = Kit::of(Making {
        limits,
        ..Making::default()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(kit.begin_wait(&["a"]).await);
    }
    let revision = kit.revision(&["a"]).await;
    let reply = kit.post(WAIT, mk_wait(&["a"], Some(&revision))).await;
    assert_eq!(
        (reply.status, &*reply.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "namespace-exhausted")
    );
    assert_eq!(reply.header("connection"), "close");
    let problem = reply.json();
    assert_eq!(problem["namespace"], "default");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the namespace default has 8 of at most 9 waiters"),
        "{detail}"
    );
}
