use http::Method;
use tokio::time::Instant;

use super::{
    super::fake::{Failure, FakeCrd},
    *,
};
use crate::store::{Effect, Refusal};

#[tokio::test(start_paused = true)]
async fn a_signal_by_hand_is_an_assertion_under_any_name() {
    let api = FakeSignals::new();
    api.put(
        "default",
        "mine",
        &json!({"variable": "a", "kind": "Durable", "value": "v"}),
    );
    api.put(
        "default",
        "yours",
        &json!({"variable": "a", "kind": "Durable", "value": "w"}),
    );
    let store = mk_store(&api).await;
    shows(
        &store,
        &[
            "a=v durable of hand as mine",
            "a=w durable of hand as yours",
        ],
    )
    .await;
    let page = store.list(&Scope::default(), 9, None).assertions;
    assert_eq!(page[0].0, mk_key("a"));

    let own = assert(&store, "a", by_hand(Some("v"))).await.unwrap();
    assert_eq!(
        own.effect,
        Effect::Changed,
        "another name is another object"
    );
    api.remove("default", "mine");
    api.remove("default", "yours");
    shows(&store, &["a=v durable of hand"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_no_rule_allows_is_skipped_until_it_is_corrected() {
    let api = FakeSignals::new();
    for (name, spec) in [
        ("bad-name", json!({"variable": "a/../b"})),
        ("bad-kind", json!({"variable": "a", "kind": "Eternal"})),
        ("no-pod", json!({"variable": "a", "kind": "Live"})),
        ("no-spec", Value::Null),
        ("good", json!({"variable": "b"})),
    ] {
        api.put("default", name, &spec);
    }
    let backend = Arc::new(Kubernetes::new(api.client(), Budget::UNLIMITED));
    let store = open(Arc::clone(&backend)).await;
    let skipped = || {
        backend
            .mirror
            .with(|replica| replica.skipped().count("invalid"))
    };
    assert_eq!(shown(&store), ["b durable of hand as good"]);
    assert_eq!(skipped(), 4);

    api.put(
        "default",
        "bad-kind",
        &json!({"variable": "a", "kind": "Durable"}),
    );
    shows(
        &store,
        &["a durable of hand as bad-kind", "b durable of hand as good"],
    )
    .await;
    assert_eq!(skipped(), 3);
    api.put("default", "good", &json!({"variable": ""}));
    shows(&store, &["a durable of hand as bad-kind"]).await;
    api.remove("default", "good");
    api.put("default", "last", &json!({"variable": "z"}));
    shows(
        &store,
        &["a durable of hand as bad-kind", "z durable of hand as last"],
    )
    .await;
    assert_eq!(skipped(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_states_something_else_now_is_the_new_statement() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.put("default", "mine", &json!({"variable": "a"}));
    shows(&store, &["a durable of hand as mine"]).await;
    api.put("default", "mine", &json!({"variable": "b"}));
    shows(&store, &["b durable of hand as mine"]).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_deleted_is_withdrawn_and_created_again_once_it_is_gone() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_pod("p")).await.unwrap();
    let name = api.names("default").remove(0);
    api.finalize("default", &name, &json!(["example.com/keep"]));
    assert!(store.delete(mk_key("a")).await.unwrap(), "gone for us");
    assert_eq!(api.names("default").len(), 1, "and kept by its finalizer");
    assert_eq!(shown(&store), [""; 0]);

    let again = tokio::spawn({
        let store = store.clone();
        async move { assert(&store, "a", by_pod("p")).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!again.is_finished());
    api.finalize("default", &name, &json!([]));
    assert_eq!(again.await.unwrap().unwrap().effect, Effect::Created);
    assert_eq!(shown(&store), ["a live of p"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_never_gone_is_an_error_that_says_so() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_pod("p")).await.unwrap();
    let name = api.names("default").remove(0);
    api.finalize("default", &name, &json!(["example.com/keep"]));
    store.delete(mk_key("a")).await.unwrap();
    let begin = Instant::now();
    let error = assert(&store, "a", by_pod("p")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused(Refusal::Deleting { name: it, .. }) if *it == name),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(3), "{begin:?}");
}

#[tokio::test(start_paused = true)]
async fn another_object_under_the_name_of_an_assertion_is_an_error_that_names_it() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    assert(&store, "a", by_pod("p")).await.unwrap();
    let name = api.names("default").remove(0);
    api.put("default", &name, &json!({"variable": "b"}));
    shows(&store, &[&format!("b durable of hand as {name}")]).await;
    let error = assert(&store, "a", by_pod("p")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused(Refusal::Occupied { name: it, .. }) if *it == name),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_is_wrong_and_what_to_do() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.terminate("shop");
    let of = |namespace: &str| VariableKey::new(namespace.parse().unwrap(), "a".parse().unwrap());
    let forbidden = Failure::new(403, "Forbidden", "exceeded quota: q");
    let invalid = Failure::new(422, "Invalid", "spec.variable: must be segments");
    for (namespace, failure, wrong) in [
        (
            "nowhere",
            None,
            "the namespace nowhere does not exist: create it first",
        ),
        ("shop", None, "the namespace shop is being deleted"),
        (
            "default",
            Some(forbidden),
            "grant its ServiceAccount create, patch and delete",
        ),
        (
            "default",
            Some(invalid),
            "no Signal can say this: spec.variable",
        ),
    ] {
        if let Some(failure) = failure {
            api.refuse(Method::POST, failure);
        }
        let error = store
            .assert(of(namespace), by_hand(None))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        assert!(error.to_string().contains(wrong), "{error}");
        assert_eq!(shown(&store), [""; 0]);
    }
    let elsewhere = store
        .assert(of("other"), by_pod("p"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        elsewhere.contains("an owner is in the namespace of its Signal"),
        "{elsewhere}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_store_is_not_ready_until_the_crd_is_there_and_new_enough() {
    for crd in [
        FakeCrd::Missing,
        FakeCrd::Version("v1alpha0"),
        FakeCrd::Without("since"),
    ] {
        let api = FakeSignals::new();
        api.set_crd(crd.clone());
        let opening = tokio::spawn({
            let api = api.clone();
            async move { mk_store(&api).await }
        });
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(!opening.is_finished(), "{crd:?}");
        api.set_crd(FakeCrd::Current);
        opening.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_granted_just_now_is_waited_for() {
    let missing = || {
        Failure::new(
            403,
            "Forbidden",
            "User \"u\" cannot create resource \"signals\"",
        )
    };
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.refuse(Method::POST, missing());
    api.refuse(Method::POST, missing());
    assert(&store, "a", by_pod("p")).await.unwrap();

    for _ in 0..20 {
        api.refuse(Method::POST, missing());
    }
    let begin = Instant::now();
    let error = assert(&store, "b", by_pod("p")).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Refused(Refusal::Forbidden(_))),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(4), "{begin:?}");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_cluster_drops_is_an_error_that_names_it() {
    let api = FakeSignals::new();
    let store = mk_store(&api).await;
    api.set_crd(FakeCrd::Without("value"));
    let error = assert(&store, "a", by_hand(Some("v"))).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Unavailable(_)), "{text}");
    assert!(
        text.contains("did not keep spec.value as it was sent: apply the CRD"),
        "{text}"
    );
    assert_eq!(api.names("default"), [""; 0]);
}
