use http::Method;

use super::{super::fake::Failure, *};
use crate::store::Effect;

#[tokio::test(start_paused = true)]
async fn a_signal_is_one_request_and_one_object() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    let asserted = assert(&store, "first/container", by_pod("first"))
        .await
        .unwrap();
    assert_eq!(asserted.effect, Effect::Created);
    assert_eq!(api.requests(), ["POST"]);
    let names = api.names("default");
    let object = api.get("default", &names[0]).unwrap();
    assert_eq!(object["spec"]["variable"], "first/container");
    assert_eq!(
        object["metadata"]["ownerReferences"][0]["uid"],
        "uid-of-first"
    );
    assert_eq!(shown(&store), ["first/container live of first"]);

    let again = assert(&store, "first/container", by_pod("first"))
        .await
        .unwrap();
    assert_eq!(again.effect, Effect::Unchanged);
    assert_eq!(api.requests(), [""; 0], "it is known already");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_replaced_on_condition_that_nothing_changed() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_hand(Some("v"))).await.unwrap();
    let changed = assert(&store, "a", by_hand(Some("w"))).await.unwrap();
    assert_eq!(changed.effect, Effect::Changed);
    assert_eq!(api.requests(), ["POST", "PATCH"]);
    assert_eq!(shown(&store), ["a=w durable of hand"]);

    let conflict = Failure::new(409, "Conflict", "the object has been modified");
    api.refuse(Method::PATCH, conflict);
    assert(&store, "a", by_hand(Some("x"))).await.unwrap();
    assert_eq!(shown(&store), ["a=x durable of hand"]);
    assert_eq!(api.requests(), ["PATCH", "PATCH"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_created_counts_as_there_already() {
    let api = FakeSignals::new();
    let (one, other) = (mk_store(&api).await, mk_store(&api).await);
    api.hold_back(true);
    let first = tokio::spawn({
        let one = one.clone();
        async move { assert(&one, "a", by_pod("p")).await }
    });
    while api.names("default").is_empty() {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let other = other.clone();
        async move { assert(&other, "a", by_pod("p")).await }
    });
    while api.requests().iter().all(|it| it != "GET") {
        tokio::task::yield_now().await;
    }
    assert!(
        !first.is_finished() && !second.is_finished(),
        "not shown yet"
    );
    api.hold_back(false);
    assert_eq!(first.await.unwrap().unwrap().effect, Effect::Created);
    assert_eq!(second.await.unwrap().unwrap().effect, Effect::Unchanged);
    assert_eq!(api.names("default").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_a_variable_deletes_all_its_objects() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_hand(None)).await.unwrap();
    assert(&store, "a", by_pod("p")).await.unwrap();
    api.put("default", "mine", &json!({"variable": "a"}));
    api.put("default", "stays", &json!({"variable": "a/b"}));
    shows(
        &store,
        &[
            "a durable of hand",
            "a durable of hand as mine",
            "a live of p",
            "a/b durable of hand as stays",
        ],
    )
    .await;
    assert!(store.delete(mk_key("a")).await.unwrap());
    assert_eq!(api.names("default"), ["stays"]);
    assert!(!store.exists(&mk_key("a")));
    assert!(!store.delete(mk_key("a")).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changed_is_not_deleted_by_an_old_decision() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.put("default", "mine", &json!({"variable": "a", "value": "v"}));
    shows(&store, &["a=v durable of hand as mine"]).await;
    api.hold_back(true);
    api.put("default", "mine", &json!({"variable": "a", "value": "w"}));
    let deletion = tokio::spawn({
        let store = store.clone();
        async move { store.delete(mk_key("a")).await }
    });
    while api.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(api.names("default"), ["mine"], "the first try is refused");
    api.hold_back(false);
    assert!(deletion.await.unwrap().unwrap());
    assert_eq!(api.names("default"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.lose_answer(&Method::POST);
    let created = assert(&store, "a", by_pod("p")).await.unwrap();
    assert_eq!(created.effect, Effect::Created);
    assert_eq!(api.names("default").len(), 1);
    api.lose_answer(&Method::DELETE);
    assert!(store.delete(mk_key("a")).await.unwrap());
    assert_eq!(api.names("default"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_shown_is_an_error_and_appears_later() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.hold_back(true);
    let error = assert(&store, "a", by_pod("p")).await.unwrap_err();
    assert!(matches!(error, StoreError::NotShown(_)), "{error}");
    assert_eq!(shown(&store), [""; 0]);
    api.hold_back(false);
    shows(&store, &["a live of p"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_since_when_a_value_holds_survives_a_new_replica() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    let first = assert(&store, "a", by_hand(Some("v"))).await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    let other = assert(&store, "a", by_hand(Some("w"))).await.unwrap();
    assert!(first.assertion.since <= other.assertion.since);
    let replica = mk_store(&api).await;
    let page = replica.list(&Scope::default(), 9, None).assertions;
    assert_eq!(page[0].1, other.assertion);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_in_two_tries_is_one() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_hand(None)).await.unwrap();
    api.put("default", "mine", &json!({"variable": "a"}));
    shows(&store, &["a durable of hand", "a durable of hand as mine"]).await;
    api.hold_back(true);
    api.put("default", "mine", &json!({"variable": "a", "value": "v"}));
    let deletion = tokio::spawn({
        let store = store.clone();
        async move { store.delete(mk_key("a")).await }
    });
    while api.names("default") != ["mine"] {
        tokio::task::yield_now().await;
    }
    api.remove("default", "mine");
    api.hold_back(false);
    assert!(deletion.await.unwrap().unwrap(), "it deleted one of them");
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_was_deleted_meanwhile_is_created_instead_of_changed() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_hand(Some("v"))).await.unwrap();
    api.hold_back(true);
    api.remove("default", &api.names("default")[0]);
    api.requests();
    let change = tokio::spawn({
        let store = store.clone();
        async move { assert(&store, "a", by_hand(Some("w"))).await }
    });
    while api.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    api.hold_back(false);
    assert_eq!(change.await.unwrap().unwrap().effect, Effect::Created);
    assert_eq!(shown(&store), ["a=w durable of hand"]);
}
