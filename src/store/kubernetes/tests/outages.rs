use http::Method;
use oncue_language::Term;

use super::{super::fake::Failure, *};
use crate::store::{State, Waiting};

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_watch_is_away_is_seen_afterwards() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_pod("p")).await.unwrap();
    assert(&store, "b", by_pod("p")).await.unwrap();
    for compacts in [false, true] {
        api.set_down(true);
        let gone = api.names("default").remove(0);
        api.remove("default", &gone);
        let new = format!("new-{compacts}");
        api.put("default", &new, &json!({"variable": "c", "value": new}));
        if compacts {
            api.compact();
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
        api.set_down(false);
        let expected = if compacts {
            vec![
                "c=new-false durable of hand as new-false",
                "c=new-true durable of hand as new-true",
            ]
        } else {
            vec!["b live of p", "c=new-false durable of hand as new-false"]
        };
        shows(&store, &expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_has_many_pages() {
    let api = FakeSignals::new();
    for index in 0..1200 {
        api.put(
            "default",
            &format!("s-{index}"),
            &json!({"variable": format!("a/{index}")}),
        );
    }
    let store = mk_store(&api).await;
    assert_eq!(store.stats().variables, 1200);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again_while_the_api_server_is_busy() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    for failure in [
        Failure::new(429, "TooManyRequests", "try again"),
        Failure::new(500, "InternalError", "etcd has no leader"),
    ] {
        api.refuse(Method::POST, failure);
    }
    assert(&store, "a", by_pod("p")).await.unwrap();
    assert_eq!(api.requests(), ["POST"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_write_during_a_long_outage_is_an_error_that_says_why() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.set_down(true);
    let error = assert(&store, "a", by_pod("p")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("the server is down"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_only_a_new_list_can_show_is_acknowledged() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.hold_back(true);
    let creation = tokio::spawn({
        let store = store.clone();
        async move { assert(&store, "a", by_pod("p")).await }
    });
    while api.names("default").is_empty() {
        tokio::task::yield_now().await;
    }
    // Nothing tells of the object any more: it is gone when the next list begins.
    api.remove("default", &api.names("default")[0]);
    api.compact();
    creation.await.unwrap().unwrap();
    assert_eq!(shown(&store), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_released_by_a_signal_of_another_replica() {
    let api = FakeSignals::new();
    let (one, other) = (mk_store(&api).await, mk_store(&api).await);
    let wait = |store: &Store| -> Waiting {
        let term: Term = "a".parse().unwrap();
        let condition = term.condition(&Namespace::default()).unwrap().unwrap();
        store.wait(WaitRequest {
            who: Waiter {
                pod: None,
                uid: None,
                namespace: Namespace::default(),
                since: store.now(),
            },
            conditions: [condition].into(),
            revision: Some(store.revision()),
            knows_release: false,
        })
    };
    let waiting = wait(&other);
    assert(&one, "a", by_pod("p")).await.unwrap();
    let answer = timeout(Duration::from_secs(1), waiting).await.unwrap();
    assert_eq!(answer.unwrap().outcome, State::Held);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_watch_fails_for_long_is_stale_until_it_has_listed_again() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    let staleness = store.staleness();
    api.set_down(true);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(
        !staleness.is_stale(),
        "a restart of the API server takes as long"
    );
    let stale = timeout(Duration::from_secs(40), staleness.changes_from(false));
    stale.await.expect("it becomes stale");
    api.set_down(false);
    // Nothing changes, so that only a list can tell.
    let fresh = timeout(Duration::from_secs(40), staleness.changes_from(true));
    fresh.await.expect("it sees again");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert!(!staleness.is_stale());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_start_any_more_begins_with_a_list() {
    for failure in [
        Failure::new(410, "Expired", "too old resource version"),
        Failure::new(504, "Timeout", "Too large resource version"),
    ] {
        let api = FakeSignals::new();
        api.put("default", "old", &json!({"variable": "a"}));
        let store = mk_store(&api).await;
        api.refuse_old_watches(failure);
        api.set_down(true);
        api.remove("default", "old");
        api.put("default", "new", &json!({"variable": "b"}));
        api.compact();
        api.set_down(false);
        shows(&store, &["b durable of hand as new"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restored_backup_everything_is_listed_again() {
    let api = FakeSignals::new();
    api.put("default", "a", &json!({"variable": "a"}));
    api.put("default", "b", &json!({"variable": "b"}));
    let store = mk_store(&api).await;
    // The watch works once it has shown something.
    api.put("default", "b", &json!({"variable": "b", "value": "v"}));
    shows(
        &store,
        &["a durable of hand as a", "b=v durable of hand as b"],
    )
    .await;
    api.restore(1);
    api.put("default", "d", &json!({"variable": "d"}));
    shows(
        &store,
        &["a durable of hand as a", "d durable of hand as d"],
    )
    .await;
    assert(&store, "e", by_pod("p")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_write_after_a_restored_backup_is_shown_although_the_watch_is_silent() {
    let api = FakeSignals::new();
    api.put("default", "a", &json!({"variable": "a"}));
    api.put("default", "b", &json!({"variable": "b"}));
    let store = mk_store(&api).await;
    // A watch that began before shows only versions after those that it has shown.
    api.hold_back(true);
    api.restore(1);
    assert(&store, "c", by_pod("p")).await.unwrap();
    shows(&store, &["a durable of hand as a", "c live of p"]).await;
}
