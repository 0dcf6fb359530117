use super::{super::fake::FakeSignals, *};
use crate::store::{Action, Effect, Mutation, backend::Backend};

const SMALL: Budget = Budget {
    total: 100_000,
    per_namespace: 100_000,
};

fn fill(api: &FakeSignals) {
    for index in 0..100 {
        let spec = json!({"variable": format!("a/{index:03}")});
        api.put("default", &format!("s-{index:03}"), &spec);
    }
}

#[tokio::test(start_paused = true)]
async fn objects_beyond_the_budget_are_skipped_and_found_once_there_is_room() {
    let api = FakeSignals::new();
    fill(&api);
    let backend = Arc::new(Kubernetes::new(api.client(), SMALL));
    let store = open(Arc::clone(&backend)).await;
    let skipped = || {
        backend
            .mirror
            .with(|replica| replica.skipped().count("memory"))
    };
    let held = shown(&store).len();
    assert!((10..90).contains(&held), "{held}");
    assert_eq!(skipped(), 100 - held);
    let error = assert(&store, "b", by_hand(None)).await.unwrap_err();
    assert!(matches!(error, StoreError::OverLimit(_)), "{error}");

    for index in 0..100 {
        if !index.to_string().ends_with('9') {
            api.remove("default", &format!("s-{index:03}"));
        }
    }
    tokio::time::sleep(Duration::from_mins(2)).await;
    api.put(
        "default",
        "s-009",
        &json!({"variable": "a/009", "value": "v"}),
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((shown(&store).len(), skipped()), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_at_the_limit_is_held() {
    let api = FakeSignals::new();
    let store = open(Arc::new(Kubernetes::new(api.client(), SMALL))).await;
    let writes = (0..200).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let name = format!("a/{index:03}");
            let result = assert(&store, &name, by_hand(None)).await;
            if !matches!(result, Err(StoreError::OverLimit(_))) {
                result.unwrap();
                assert!(store.exists(&mk_key(&name)), "{name}");
            }
        })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    let held = shown(&store).len();
    assert!((10..200).contains(&held), "{held}");
    assert_eq!(api.names("default").len(), held);
}

#[tokio::test(start_paused = true)]
async fn a_signal_whose_memory_others_took_meanwhile_is_taken_back() {
    let api = FakeSignals::new();
    let store = open(Arc::new(Kubernetes::new(api.client(), SMALL))).await;
    api.hold_back(true);
    fill(&api);
    let creation = tokio::spawn({
        let store = store.clone();
        async move { assert(&store, "b", by_hand(None)).await }
    });
    while api.names("default").len() == 100 {
        tokio::task::yield_now().await;
    }
    api.hold_back(false);
    let error = creation.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::OverLimit(_)), "{error}");
    assert_eq!(api.names("default").len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_skipped_signal_is_deleted_with_its_variable_and_withdrawn() {
    let api = FakeSignals::new();
    fill(&api);
    let backend = Arc::new(Kubernetes::new(api.client(), SMALL));
    let store = open(Arc::clone(&backend)).await;
    assert!(!store.exists(&mk_key("a/099")) && !store.exists(&mk_key("a/098")));
    assert!(store.delete(mk_key("a/099")).await.unwrap());
    assert!(!store.delete(mk_key("a/099")).await.unwrap());
    let mine = AssertionId {
        object: Some("s-098".into()),
        ..AssertionId::HAND
    };
    let withdrawn = backend.commit(Mutation {
        key: mk_key("a/098"),
        action: Action::Withdraw(mine),
    });
    assert_eq!(withdrawn.await.unwrap().effect, Effect::Deleted);
    assert_eq!(api.names("default").len(), 98);
}
