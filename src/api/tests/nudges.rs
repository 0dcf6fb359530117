//! Requests that ask to be nudged about the Services that a client probes.

use serde_json::json;

use super::kit::{Kit, Reply, WAIT};
use crate::{
    language::{Namespace, ObjectKey, ObjectKind, ObjectState},
    store::ObjectSource,
};

fn mk_service(name: &str) -> ObjectKey {
    ObjectKey::named(ObjectKind::Service, Some(Namespace::default()), name)
}

fn unready() -> ObjectState {
    ObjectState::Pending("has no ready endpoint".to_owned())
}

async fn mk_fed() -> Kit {
    let kit = Kit::new().await;
    kit.store.judge_objects(ObjectSource::Fed);
    kit
}

fn mk_body(terms: &[&str], nudges: &[&str]) -> serde_json::Value {
    json!({ "terms": terms, "nudges": nudges })
}

async fn ask(kit: &Kit, terms: &[&str], nudges: &[&str]) -> Reply {
    kit.post(WAIT, mk_body(terms, nudges).to_string()).await
}

/// Begins to wait, and returns once the store holds the request.
async fn hold(kit: &Kit, terms: &[&str], nudges: &[&str]) -> tokio::task::JoinHandle<Reply> {
    let mut body = mk_body(terms, nudges);
    body["revision"] = ask(kit, terms, nudges).await.json()["revision"].clone();
    let asking = kit.clone();
    let held = tokio::spawn(async move { asking.post(WAIT, body.to_string()).await });
    kit.until_waiters(1).await;
    held
}

#[tokio::test]
async fn each_nudge_says_what_is_known_of_its_service() {
    let kit = mk_fed().await;
    for (name, state) in [
        ("ready", Some(ObjectState::Holds)),
        ("unready", Some(unready())),
        ("absent", None),
        (
            "outside",
            Some(ObjectState::Unknown("is elsewhere".to_owned())),
        ),
    ] {
        kit.store.set_object(&mk_service(name), state);
    }
    let nudges = ["ready", "unready", "absent", "outside", "new"];
    let nudges = nudges.map(|name| format!("service:{name}"));
    let nudges = nudges.each_ref().map(String::as_str);
    let answer = ask(&kit, &["!b"], &nudges).await.json();
    let expected = json!(["ready", "unready", "unknown", "unknown", "unknown"]);
    assert_eq!(answer["nudges"], expected);
    assert_eq!(answer["outcome"], "held", "they do not count");
    assert_eq!(answer["terms"].as_array().unwrap().len(), 1);
    let without = kit.post(WAIT, json!({"terms": ["a"]}).to_string()).await;
    assert!(without.json().get("nudges").is_none());
}

#[tokio::test]
async fn a_held_wait_is_answered_when_the_service_becomes_ready() {
    let kit = mk_fed().await;
    kit.store.set_object(&mk_service("redis"), Some(unready()));
    let held = hold(&kit, &["!b"], &["service:redis"]).await;
    kit.store
        .set_object(&mk_service("redis"), Some(ObjectState::Holds));
    let answer = held.await.unwrap().json();
    assert_eq!(answer["nudges"], json!(["ready"]));
    assert_eq!(answer["outcome"], "held");
    let held = hold(&kit, &["a"], &["service:redis"]).await;
    kit.store.set_object(&mk_service("redis"), Some(unready()));
    let answer = held.await.unwrap().json();
    assert_eq!(
        (&answer["nudges"], &answer["outcome"]),
        (&json!(["unready"]), &json!("missing"))
    );
}

#[tokio::test]
async fn a_wait_for_nothing_but_nudges_is_held_too() {
    let kit = mk_fed().await;
    let held = hold(&kit, &[], &["service:redis@other"]).await;
    let redis = ObjectKey {
        namespace: "other".parse().ok(),
        ..mk_service("redis")
    };
    kit.store.set_object(&redis, Some(ObjectState::Holds));
    assert_eq!(held.await.unwrap().json()["nudges"], json!(["ready"]));
}

#[tokio::test]
async fn a_failure_ends_a_wait_with_nudges_at_once() {
    let kit = mk_fed().await;
    kit.post("/", r#"{"variable":"failed"}"#).await;
    let mut body = mk_body(&["!failed"], &["service:redis"]);
    let answer = ask(&kit, &["!failed"], &["service:redis"]).await.json();
    body["revision"] = answer["revision"].clone();
    let answer = kit.post(WAIT, body.to_string()).await.json();
    assert_eq!(answer["outcome"], "failed");
}

#[tokio::test]
async fn a_store_that_watches_no_objects_knows_no_service() {
    let kit = Kit::new().await;
    let answer = ask(&kit, &["a"], &["service:redis"]).await.json();
    assert_eq!(answer["nudges"], json!(["unknown"]));
    assert_eq!(answer["outcome"], "missing");
}

#[tokio::test]
async fn a_waiter_is_listed_without_its_nudges() {
    let kit = mk_fed().await;
    let held = hold(&kit, &["a"], &["service:redis"]).await;
    let listed = kit.get("/v1/waiters").await.json();
    assert_eq!(listed["waiters"][0]["terms"].as_array().unwrap().len(), 1);
    held.abort();
}

#[tokio::test]
async fn a_nudge_is_about_the_readiness_of_one_service() {
    let kit = mk_fed().await;
    for nudge in [
        "a",
        "job:m",
        "service:redis{.spec.type}",
        "service:redis@other{.spec.type}",
        "tcp://redis:6379",
    ] {
        let reply = ask(&kit, &["a"], &[nudge]).await;
        assert_eq!(reply.problem(), "unjudged-term", "{nudge}");
        assert_eq!(reply.json()["term"], nudge);
    }
    assert_eq!(
        ask(&kit, &[], &["service:"]).await.problem(),
        "invalid-term"
    );
}

#[tokio::test]
async fn nudges_count_as_terms_do() {
    let kit = mk_fed().await;
    let (terms, nudges) = (["a"; 200], ["service:redis"; 57]);
    let reply = ask(&kit, &terms, &nudges).await;
    assert_eq!(reply.problem(), "too-many-terms");
    let answer = ask(&kit, &terms, &nudges[1..]).await.json();
    assert_eq!(answer["nudges"].as_array().unwrap().len(), 56);
}
