//! Waits, watches and expiry, as the store's users see them.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{self, poll_immediate};
use oncue::{
    dependent_pod::DependentPod,
    language::{
        Condition, Grace, Namespace, ObjectKey, ObjectKind, ObjectState, Term, VariableKey,
    },
    life::{AssertionId, Kind, Owner, Timestamp},
    memory::{Budget, StoreMemory},
    store::{
        Answer, Change, ChangeKind, Clock, Effect, Existing, Limits, Memory, Names, NewAssertion,
        ObjectSource, Revision, Scope, State, Store, SystemClock, WaitError, WaitRequest, Waiter,
        Waiting, Watch, WatchError, WatchEvent,
    },
};
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn the_present_state_is_answered_at_once_without_a_revision() {
    let store = mk_store().await;
    create(&store, "a").await;
    for (terms, outcome) in [
        (["a"].as_slice(), State::Held),
        (&["a", "b"], State::Missing),
        (&["b", "!a"], State::Failed),
        (&["!b"], State::Held),
    ] {
        let answer = wait(&store, terms, None).await.unwrap();
        assert_eq!(answer.outcome, outcome, "{terms:?}");
        assert_eq!(answer.terms.len(), terms.len());
    }
}

#[tokio::test]
async fn a_revision_that_says_nothing_is_answered_at_once() {
    let store = mk_store().await;
    let own = present(&store, &["a"]).await.revision.to_string();
    let (epoch, number) = own.split_once('-').unwrap();
    let future: u64 = number.parse::<u64>().unwrap() + 1;
    for revision in [format!("{epoch}-{future}"), format!("0-{number}")] {
        let revision = revision.parse().unwrap();
        let wait = wait(&store, &["a"], Some(revision));
        let answer = poll_immediate(wait).await.unwrap().unwrap();
        assert_eq!(answer.outcome, State::Missing, "{revision}");
    }
}

#[tokio::test]
async fn is_held_until_a_state_flips() {
    let store = mk_store().await;
    let revision = present(&store, &["a", "b"]).await.revision;
    let mut held = pin!(wait(&store, &["a", "b"], Some(revision)));
    assert!(poll_immediate(&mut held).await.is_none());
    create(&store, "a").await;
    let first = held.await.unwrap();
    assert_eq!(states(&first), [State::Held, State::Missing]);

    let mut held = pin!(wait(&store, &["a", "b"], Some(first.revision)));
    assert!(poll_immediate(&mut held).await.is_none());
    store.delete(mk_key("a")).await.unwrap();
    let second = held.await.unwrap();
    assert_eq!(states(&second), [State::Missing, State::Missing]);
}

#[tokio::test]
async fn what_flipped_since_the_revision_is_answered_at_once() {
    let store = mk_store().await;
    let revision = present(&store, &["a", "b"]).await.revision;
    create(&store, "a").await;
    let answer = poll_immediate(wait(&store, &["a", "b"], Some(revision))).await;
    assert_eq!(
        states(&answer.unwrap().unwrap()),
        [State::Held, State::Missing]
    );
}

#[tokio::test]
async fn a_failure_ends_the_wait() {
    let store = mk_store().await;
    let revision = present(&store, &["a", "!failed"]).await.revision;
    let mut held = pin!(wait(&store, &["a", "!failed"], Some(revision)));
    assert!(poll_immediate(&mut held).await.is_none());
    create(&store, "failed").await;
    assert_eq!(held.await.unwrap().outcome, State::Failed);
}

/// A store on a paused clock with a failure of now, and a pod `pod` that is created 5 s later, when
/// the controller has told of all pods.
async fn mk_store_with_a_failure() -> Store {
    let clock = Arc::new(PausedClock::new());
    let store = mk_store_with(mk_limits(), clock).await;
    store.feed_pods();
    store.retain_pods(&[].into());
    assert_by(&store, "x/failed", "yesterday").await;
    sleep(Duration::from_secs(5)).await;
    see_waiting(&store, "pod", None);
    store
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_older_than_the_pod_counts_30_seconds_later() {
    let store = mk_store_with_a_failure().await;
    let terms = ["a", "!x/failed"];
    for (seconds, uid, outcome) in [
        (0, Some("pod"), State::Missing),
        (0, None, State::Failed),
        // A pod that nobody has told of counts as created when its wait began.
        (0, Some("unknown"), State::Failed),
        (29, Some("pod"), State::Missing),
        (1, Some("pod"), State::Failed),
    ] {
        sleep(Duration::from_secs(seconds)).await;
        let answer = begin_as(&store, &terms, (uid, None)).await.unwrap();
        assert_eq!(answer.outcome, outcome, "{uid:?} {seconds} s later");
    }
}

#[tokio::test(start_paused = true)]
async fn whether_a_failure_counts_is_open_until_the_controller_has_told_of_all_pods() {
    let clock = Arc::new(PausedClock::new());
    let store = mk_store_with(mk_limits(), clock).await;
    store.feed_pods();
    assert_by(&store, "x/failed", "yesterday").await;
    sleep(Duration::from_secs(5)).await;
    let old = WaitingSince {
        uid: "old",
        since: store.now(),
    };
    assert_eq!(old.judged(&store).await, State::Missing);
    // The wait of this pod began now, but it was created long ago.
    store.set_pod(&DependentPod {
        id: mk_owner("old"),
        created: Timestamp::default(),
        waits: false,
        release: Ok(None),
    });
    assert_eq!(old.judged(&store).await, State::Failed);
    let new = WaitingSince { uid: "new", ..old };
    assert_eq!(new.judged(&store).await, State::Missing);
    store.retain_pods(&["old".into()].into());
    assert_eq!(old.judged(&store).await, State::Failed);
    assert_eq!(new.judged(&store).await, State::Held);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(new.judged(&store).await, State::Failed);
}

#[tokio::test(start_paused = true)]
async fn the_grace_of_a_new_pod_is_measured_by_the_clock_of_the_store() {
    let store = mk_store_with_a_failure().await;
    for (clock, created) in [
        ("behind", Timestamp::from_millis(1_000_000)),
        ("ahead", store.now() + Duration::from_mins(5)),
    ] {
        let begin = store.now();
        let pod = WaitingSince {
            uid: clock,
            // The node's clock is ahead.
            since: begin + Duration::from_hours(1),
        };
        sleep(Duration::from_mins(1)).await;
        store.set_pod(&DependentPod {
            id: mk_owner(clock),
            created,
            waits: true,
            release: Ok(None),
        });
        assert_eq!(pod.judged(&store).await, State::Held, "{clock}");
        sleep(Duration::from_secs(29)).await;
        assert_eq!(pod.judged(&store).await, State::Held, "{clock}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(pod.judged(&store).await, State::Failed, "{clock}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_began_in_the_future_began_now() {
    let store = mk_store_with_a_failure().await;
    let pod = WaitingSince {
        uid: "unknown",
        since: store.now() + Duration::from_hours(1),
    };
    let answer = store.wait(pod.request(None)).await.unwrap();
    let end = store.now() + Duration::from_secs(30);
    assert_eq!(answer.grace.end(), Some(end));
}

#[tokio::test(start_paused = true)]
async fn pods_of_two_ages_share_two_answers() {
    let store = mk_store_with_a_failure().await;
    sleep(Duration::from_secs(1)).await;
    see_waiting(&store, "later", None);
    let terms = ["a", "!x/failed"];
    let first = begin_as(&store, &terms, (Some("pod"), None)).await.unwrap();
    let held: Vec<_> = ["pod", "later", "pod", "later"]
        .map(|uid| begin_as(&store, &terms, (Some(uid), Some(first.revision))))
        .into();
    create(&store, "a").await;
    let answers: Vec<_> = future::join_all(held)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    for (one, other) in [(0, 2), (1, 3)] {
        assert!(Arc::ptr_eq(&answers[one], &answers[other]), "{one}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_newer_than_the_pod_ends_its_held_wait_at_once() {
    let terms = ["a", "!x/failed", "!x/*>=2"];
    for failure in ["x/failed", "x/other"] {
        let store = mk_store_with_a_failure().await;
        let first = begin_as(&store, &terms, (Some("pod"), None)).await.unwrap();
        assert_eq!(first.outcome, State::Missing);
        let revision = Some(first.revision);
        let mut held = begin_as(&store, &terms, (Some("pod"), revision));
        assert!(poll_immediate(&mut held).await.is_none());
        sleep(Duration::from_secs(2)).await;
        assert_by(&store, "y/failed", "today").await;
        assert!(poll_immediate(&mut held).await.is_none());
        assert_by(&store, failure, "today").await;
        assert_eq!(held.await.unwrap().outcome, State::Failed, "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn pods_of_other_ages_do_not_share_an_answer_about_failures() {
    let store = mk_store_with_a_failure().await;
    let terms = ["a", "!x/failed"];
    let revision = begin_as(&store, &terms, (Some("pod"), None))
        .await
        .unwrap()
        .revision;
    let held = begin_as(&store, &terms, (Some("pod"), Some(revision)));
    let end = held.grace().end().unwrap();
    assert_eq!(end.since(store.now()), Duration::from_secs(30));
    sleep(Duration::from_secs(10)).await;
    see_waiting(&store, "later", None);
    let later = begin_as(&store, &terms, (Some("later"), Some(revision)));
    assert!(later.grace().end() > Some(end));
    let without_failures = begin_as(&store, &["a"], (Some("later"), Some(revision)));
    assert_eq!(without_failures.grace(), Grace::Over);
    assert_eq!(store.stats().waiters, 3);
    create(&store, "a").await;
    for held in [held, later, without_failures] {
        assert_eq!(held.await.unwrap().outcome, State::Held);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_is_forgotten() {
    let store = mk_store_with_a_failure().await;
    for forget in [
        |store: &Store| store.forget_pod("pod"),
        |store: &Store| store.retain_pods(&["other".into()].into()),
    ] {
        see_waiting(&store, "pod", None);
        let terms = ["!x/failed"];
        let young = begin_as(&store, &terms, (Some("pod"), None)).await;
        assert_eq!(young.unwrap().outcome, State::Held);
        forget(&store);
        let gone = begin_as(&store, &terms, (Some("pod"), None)).await;
        assert_eq!(gone.unwrap().outcome, State::Failed);
    }
}

fn reason(answer: &Answer) -> Option<String> {
    answer.release.as_ref().map(ToString::to_string)
}

#[tokio::test]
async fn a_release_answers_the_held_waits_of_that_pod_alone() {
    let store = mk_store().await;
    let terms = ["a", "!b"];
    let revision = Some(present(&store, &terms).await.revision);
    let [mut one, mut again, other] =
        ["pod", "pod", "other"].map(|uid| begin_as(&store, &terms, (Some(uid), revision)));
    see_waiting(&store, "pod", None);
    see_waiting(&store, "pods", Some("another pod"));
    assert!(poll_immediate(&mut one).await.is_none());
    see_waiting(&store, "pod", Some("the mirror is down"));
    for held in [&mut one, &mut again] {
        let answer = poll_immediate(held).await.unwrap().unwrap();
        assert_eq!(reason(&answer).as_deref(), Some("the mirror is down"));
        assert_eq!(states(&answer), [State::Missing, State::Held]);
    }
    assert_eq!(store.stats().waiters, 1);
    create(&store, "a").await;
    assert_eq!(reason(&other.await.unwrap()), None);
}

#[tokio::test]
async fn a_release_is_told_at_any_revision_unless_an_answer_has_told_it() {
    let store = mk_store().await;
    let terms = ["a"];
    let before = present(&store, &terms).await.revision;
    see_waiting(&store, "pod", Some("the mirror is down"));
    create(&store, "b").await;
    let after = present(&store, &terms).await.revision;
    for revision in [None, Some(before), Some(after)] {
        let answer = begin_as(&store, &terms, (Some("pod"), revision)).await;
        let told = reason(&answer.unwrap());
        assert_eq!(told.as_deref(), Some("the mirror is down"), "{revision:?}");
    }
    // A client that knows no releases is held like any other.
    let mut held = store.wait(WaitRequest {
        knows_release: true,
        ..mk_request(&terms, (Some("pod"), Some(after)))
    });
    assert!(poll_immediate(&mut held).await.is_none());
    see_waiting(&store, "pod", Some("the mirror is down"));
    assert!(poll_immediate(&mut held).await.is_none());
    see_waiting(&store, "pod", Some("it is still down"));
    let next = held.await.unwrap();
    assert_eq!(reason(&next).as_deref(), Some("it is still down"));
    store.forget_pod("pod");
    let forgotten = begin_as(&store, &terms, (Some("pod"), None)).await;
    assert_eq!(reason(&forgotten.unwrap()), None);
}

#[tokio::test]
async fn a_release_while_a_hold_ends_is_told() {
    let store = mk_store().await;
    let terms = ["a"];
    let revision = Some(present(&store, &terms).await.revision);
    let begin = || begin_as(&store, &terms, (Some("pod"), revision));
    let [mut early, mut late] = [begin(), begin()];
    let answer = early.present(store.now()).unwrap().unwrap();
    assert_eq!((answer.outcome, reason(&answer)), (State::Missing, None));
    see_waiting(&store, "pod", Some("the mirror is down"));
    // It was answered before its hold ended.
    assert!(late.present(store.now()).is_none());
    assert!(reason(&late.await.unwrap()).is_some());
    // It continues from an answer without the release, which may be newer than the release.
    create(&store, "b").await;
    let revision = Some(present(&store, &terms).await.revision);
    let next = begin_as(&store, &terms, (Some("pod"), revision)).await;
    assert!(reason(&next.unwrap()).is_some());
}

#[tokio::test]
async fn releases_take_nothing_of_the_history_that_waits_are_judged_by() {
    let store = mk_store().await;
    let revision = present(&store, &["a"]).await.revision;
    for number in 0..5_000 {
        see_waiting(&store, &format!("pod-{number}"), Some("uninstalled"));
    }
    let mut held = begin(&store, &["a"], Some(revision));
    assert!(poll_immediate(&mut held).await.is_none());
}

#[tokio::test]
async fn a_pod_without_terms_is_held_until_its_release() {
    let store = mk_store().await;
    let none: [&str; 0] = [];
    let revision = Some(present(&store, &none).await.revision);
    let mut client = begin(&store, &none, revision);
    assert!(poll_immediate(&mut client).await.is_some());
    let mut held = begin_as(&store, &none, (Some("pod"), revision));
    create(&store, "a").await;
    assert!(poll_immediate(&mut held).await.is_none());
    see_waiting(&store, "pod", Some("the mirror is down"));
    assert!(reason(&held.await.unwrap()).is_some());
}

#[tokio::test]
async fn a_count_that_grows_without_reaching_its_number_wakes_nobody() {
    let store = mk_store().await;
    let terms = ["a/*>=3", "b>=3"];
    let revision = present(&store, &terms).await.revision;
    let mut held = pin!(wait(&store, &terms, Some(revision)));
    for name in ["1", "2"] {
        create(&store, &format!("a/{name}")).await;
        assert_by(&store, "b", name).await;
        assert!(poll_immediate(&mut held).await.is_none(), "{name}");
    }
    let mut late = pin!(wait(&store, &terms, Some(revision)));
    assert!(
        poll_immediate(&mut late).await.is_none(),
        "nothing has flipped since"
    );
    assert_by(&store, "b", "3").await;
    assert_eq!(states(&held.await.unwrap()), [State::Missing, State::Held]);
    assert_eq!(states(&late.await.unwrap()), [State::Missing, State::Held]);
}

#[tokio::test]
async fn a_change_to_other_names_wakes_nobody() {
    let store = mk_store().await;
    let terms = ["a/*", "b"];
    let revision = present(&store, &terms).await.revision;
    let mut held = pin!(wait(&store, &terms, Some(revision)));
    assert!(poll_immediate(&mut held).await.is_none());
    for name in ["a", "a-b/c", "aa/b", "b/c", "c"] {
        create(&store, name).await;
        assert!(poll_immediate(&mut held).await.is_none(), "{name}");
    }
    create(&store, "a/b/c").await;
    assert_eq!(states(&held.await.unwrap()), [State::Held, State::Missing]);
}

#[tokio::test]
async fn all_waiters_of_one_name_are_released_together() {
    let store = mk_store().await;
    let revision = present(&store, &["a"]).await.revision;
    let held: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { wait(&store, &["a"], Some(revision)).await })
        })
        .collect();
    while store.stats().waiters < 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.waiters(None, 1000, None).waiters.len(), 100);
    create(&store, "a").await;
    assert_eq!(store.stats().waiters, 0);
    for answer in future::try_join_all(held).await.unwrap() {
        assert_eq!(answer.unwrap().outcome, State::Held);
    }
}

#[tokio::test]
async fn who_goes_away_gives_up_the_place() {
    let store = mk_store().await;
    let revision = present(&store, &["a"]).await.revision;
    {
        let mut first = pin!(wait(&store, &["a"], Some(revision)));
        let mut second = pin!(wait(&store, &["b"], Some(revision)));
        assert!(poll_immediate(&mut first).await.is_none());
        assert!(poll_immediate(&mut second).await.is_none());
        assert_eq!(store.stats().waiters, 2);
        assert_eq!(waiters_in(&store, "default"), 2);
        assert_eq!(waiters_in(&store, "other"), 0);
    }
    assert_eq!(store.stats().waiters, 0);
}

#[tokio::test]
async fn more_waiters_than_allowed_are_refused() {
    let limits = Limits {
        waiters: 1,
        ..Limits::within(1000, StoreMemory::default())
    };
    let store = mk_store_with(limits, Arc::new(SystemClock)).await;
    let revision = present(&store, &["a"]).await.revision;
    let mut first = pin!(wait(&store, &["a"], Some(revision)));
    assert!(poll_immediate(&mut first).await.is_none());
    let error = wait(&store, &["a"], Some(revision)).await.unwrap_err();
    assert_eq!(error, WaitError::TooMany { limit: 1 });
    assert!(
        wait(&store, &["a"], None).await.is_ok(),
        "the present state is free"
    );
}

#[tokio::test]
async fn objects_are_judged_where_somebody_tells_of_them() {
    let store = mk_store().await;
    let terms = ["a", "job:m"];
    let error = wait(&store, &terms, None).await.unwrap_err();
    assert!(matches!(error, WaitError::NoObjects { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with("job:m@default asks"),
        "{error}"
    );

    store.judge_objects(ObjectSource::Fed);
    let revision = present(&store, &terms).await.revision;
    let mut held = pin!(wait(&store, &terms, Some(revision)));
    let job = ObjectKey::named(ObjectKind::Job, Some(Namespace::default()), "m");
    store.set_object(&job, Some(ObjectState::Pending("0 of 1".to_owned())));
    assert!(poll_immediate(&mut held).await.is_none());
    store.set_object(&job, Some(ObjectState::Holds));
    assert_eq!(states(&held.await.unwrap()), [State::Missing, State::Held]);
    store.set_object(&job, None);
    let gone = present(&store, &terms).await;
    assert_eq!(states(&gone), [State::Missing, State::Missing]);
}

#[tokio::test]
async fn a_job_that_failed_before_anyone_asked_fails_the_first_wait() {
    let store = mk_store().await;
    store.judge_objects(ObjectSource::Fed);
    let terms = ["!job:m"];
    let unknown = present(&store, &terms).await;
    assert_eq!(unknown.outcome, State::Missing);
    let mut held = pin!(wait(&store, &terms, Some(unknown.revision)));
    assert!(poll_immediate(&mut held).await.is_none());
    let job = ObjectKey::named(ObjectKind::Job, Some(Namespace::default()), "m");
    let failed = ObjectState::Failed {
        reason: "has failed".to_owned(),
        since: None,
    };
    store.set_object(&job, Some(failed));
    assert_eq!(held.await.unwrap().outcome, State::Failed);
}

#[tokio::test]
async fn says_what_an_assertion_did() {
    let store = mk_store().await;
    let hand = |value: &str, existing| NewAssertion {
        value: Some(value.parse().unwrap()),
        existing,
        ..mk_hand()
    };
    for (assertion, effect, value) in [
        (hand("1", Existing::KeepValue), Effect::Created, "1"),
        (hand("2", Existing::KeepValue), Effect::Unchanged, "1"),
        (hand("2", Existing::Replace), Effect::Changed, "2"),
        (hand("2", Existing::Replace), Effect::Unchanged, "2"),
    ] {
        let asserted = store.assert(mk_key("a"), assertion).await.unwrap();
        assert_eq!(asserted.effect, effect);
        assert_eq!(asserted.assertion.value, Some(value.parse().unwrap()));
        let listed = store.list(&Scope::of(mk_key("a")), 9, None);
        assert_eq!(listed.assertions, [(mk_key("a"), asserted.assertion)]);
        assert_eq!(asserted.revision, listed.revision);
    }
    assert!(store.delete(mk_key("a")).await.unwrap());
    assert!(!store.delete(mk_key("a")).await.unwrap());
}

#[tokio::test]
async fn lists_by_namespace_and_prefix_in_order() {
    let store = mk_store().await;
    for name in ["b", "a/x/y", "a-b", "a/x", "a"] {
        create(&store, name).await;
    }
    let other = VariableKey {
        namespace: "other".parse().unwrap(),
        ..mk_key("a")
    };
    store.assert(other, mk_hand()).await.unwrap();
    let list = |namespace: Option<&str>, prefix: Option<&str>| {
        let scope = Scope {
            namespace: namespace.map(|text| text.parse().unwrap()),
            names: prefix.map_or(Names::All, |text| Names::AtOrBelow(text.parse().unwrap())),
        };
        let page = store.list(&scope, 1000, None);
        let keys = page.assertions.iter().map(|(key, _)| key.to_string());
        keys.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        list(Some("default"), Some("a")),
        "a@default a/x@default a/x/y@default"
    );
    assert_eq!(list(Some("other"), None), "a@other");
    assert_eq!(list(None, Some("a/x")), "a/x@default a/x/y@default");
    assert_eq!(list(Some("none"), None), "");
    assert_eq!(
        list(None, None),
        "a@default a-b@default a/x@default a/x/y@default b@default a@other"
    );
}

#[tokio::test(start_paused = true)]
async fn an_assertion_ends_when_its_time_has_come() {
    let store = mk_store_with(
        Limits::within(1000, StoreMemory::default()),
        Arc::new(PausedClock::new()),
    )
    .await;
    let lasting = |seconds| NewAssertion {
        ttl: Some(Duration::from_secs(seconds)),
        ..mk_hand()
    };
    store.assert(mk_key("late"), lasting(90)).await.unwrap();
    store.assert(mk_key("early"), lasting(10)).await.unwrap();
    create(&store, "ever").await;
    let mut watch = synced(&store, Scope::default()).await;
    let begin = Instant::now();
    for (name, seconds) in [("early", 10), ("late", 90)] {
        let change = next_change(&mut watch).await;
        assert_eq!(change.kind, ChangeKind::Deleted);
        assert_eq!(change.key, mk_key(name));
        assert_eq!(begin.elapsed().as_secs(), seconds, "{name}");
    }
    assert_eq!(store.stats().variables, 1);
}

#[tokio::test(start_paused = true)]
async fn asserting_again_renews_the_expiry() {
    let store = mk_store_with(
        Limits::within(1000, StoreMemory::default()),
        Arc::new(PausedClock::new()),
    )
    .await;
    let lasting = NewAssertion {
        ttl: Some(Duration::from_secs(10)),
        ..mk_hand()
    };
    store.assert(mk_key("a"), lasting.clone()).await.unwrap();
    tokio::time::advance(Duration::from_secs(6)).await;
    store.assert(mk_key("a"), lasting).await.unwrap();
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(store.exists(&mk_key("a")));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!store.exists(&mk_key("a")));
}

#[tokio::test(start_paused = true)]
async fn what_expired_while_nobody_looked_is_never_seen() {
    let backend = Arc::new(Memory::new(Budget::UNLIMITED));
    let clock = Arc::new(PausedClock::new());
    let open = || {
        Store::open(
            backend.clone(),
            Limits::within(1000, StoreMemory::default()),
            clock.clone(),
        )
    };
    let store = open().await.unwrap();
    let lasting = NewAssertion {
        ttl: Some(Duration::from_secs(10)),
        ..mk_hand()
    };
    store.assert(mk_key("a"), lasting).await.unwrap();
    drop(store);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(!open().await.unwrap().exists(&mk_key("a")));
}

#[tokio::test]
async fn a_watch_shows_the_present_and_then_every_change_in_its_scope() {
    let store = mk_store().await;
    create(&store, "a/b").await;
    let scope = Scope {
        namespace: Some(Namespace::default()),
        names: Names::AtOrBelow("a".parse().unwrap()),
    };
    let mut watch = synced(&store, scope).await;
    create(&store, "b").await;
    create(&store, "a").await;
    assert_by(&store, "a", "p").await;
    assert_by(&store, "a", "p").await;
    store.delete(mk_key("a")).await.unwrap();
    for (kind, pod) in [
        (ChangeKind::Added, None),
        (ChangeKind::Added, Some("p")),
        (ChangeKind::Deleted, None),
        (ChangeKind::Deleted, Some("p")),
    ] {
        let change = next_change(&mut watch).await;
        let owner = change.assertion.id.asserter.owner();
        assert_eq!((change.kind, owner.map(|it| &*it.name)), (kind, pod));
    }
    assert!(poll_immediate(pin!(watch.next())).await.is_none());
    drop(store);
    assert_eq!(watch.next().await, Err(WatchError::Closed));
}

/// Whatever happens while the pages are read, what the watcher has seen is what there is.
#[tokio::test]
async fn a_watch_shows_each_assertion_once_while_changes_go_on() {
    let store = mk_store().await;
    for number in 0..400 {
        create(&store, &format!("v-{number:03}")).await;
    }
    let mut watch = store
        .watch(Scope::default(), &Namespace::default())
        .unwrap();
    let mut seen = BTreeMap::new();
    for step in 0.. {
        if step % 3 == 0 && step < 900 {
            let name = format!("v-{:03}", step * 7 % 500);
            if step % 2 == 0 {
                store.delete(mk_key(&name)).await.unwrap();
            } else {
                assert_by(&store, &name, &format!("p-{step}")).await;
            }
        }
        let change = match poll_immediate(pin!(watch.next())).await {
            Some(Ok(WatchEvent::Change(change))) => change,
            Some(Ok(WatchEvent::Synced(_))) => continue,
            Some(Err(error)) => panic!("{error}"),
            None => break,
        };
        let id = (change.key.clone(), change.assertion.id.clone());
        match change.kind {
            ChangeKind::Added => assert!(seen.insert(id, change.assertion).is_none()),
            ChangeKind::Modified => assert!(seen.insert(id, change.assertion).is_some()),
            ChangeKind::Deleted => assert!(seen.remove(&id).is_some()),
        }
    }
    let page = store.list(&Scope::default(), 1000, None);
    let there = page.assertions.into_iter();
    let there: Vec<_> = there.map(|(key, it)| ((key, it.id.clone()), it)).collect();
    assert!(seen.into_iter().eq(there));
}

#[tokio::test]
async fn a_slow_watcher_is_cut_off_and_too_many_are_refused() {
    let limits = Limits {
        watchers: 1,
        watch_backlog: 4 * 640,
        ..mk_limits()
    };
    let store = mk_store_with(limits, Arc::new(SystemClock)).await;
    let mut watch = synced(&store, Scope::default()).await;
    let refused = store
        .watch(Scope::default(), &Namespace::default())
        .unwrap_err();
    assert_eq!(refused, WatchError::TooMany { limit: 1 });
    for number in 0..6 {
        create(&store, &format!("v-{number}")).await;
    }
    assert_eq!(watch.next().await, Err(WatchError::Slow { missed: 2 }));
    drop(watch);
    assert!(store.watch(Scope::default(), &Namespace::default()).is_ok());
}

#[tokio::test]
async fn waits_take_no_more_memory_than_they_may_and_name_the_limit() {
    let limits = Limits {
        waits: Budget {
            total: 1 << 20,
            per_namespace: 16 << 10,
        },
        ..mk_limits()
    };
    let store = mk_store_with(limits, Arc::new(SystemClock)).await;
    let mut held = Vec::new();
    let error = loop {
        let terms: Vec<_> = (0..9)
            .map(|term| format!("a/{}/{term}", held.len()))
            .collect();
        let terms: Vec<_> = terms.iter().map(String::as_str).collect();
        let revision = present(&store, &terms).await.revision;
        let mut wait = begin(&store, &terms, Some(revision));
        match poll_immediate(&mut wait).await {
            None => held.push(wait),
            Some(refused) => break refused.unwrap_err(),
        }
    };
    let text = "waits in namespace default take 16 KiB, the limit: try again later";
    assert_eq!(error.to_string(), text);
    assert!((2..9).contains(&held.len()), "{}", held.len());
    held.pop();
    let revision = present(&store, &["b"]).await.revision;
    assert!(
        poll_immediate(pin!(wait(&store, &["b"], Some(revision))))
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_barrier_wakes_its_waiter_once() {
    let store = mk_store().await;
    let revision = present(&store, &["a>=3", "a=v"]).await.revision;
    let mut held = begin(&store, &["a>=3", "a=v"], Some(revision));
    for pod in ["p", "q"] {
        assert_by(&store, "a", pod).await;
        assert!(poll_immediate(&mut held).await.is_none(), "{pod}");
    }
    assert_by(&store, "a", "r").await;
    assert_eq!(states(&held.await.unwrap()), [State::Held, State::Missing]);
}

#[tokio::test]
async fn a_flip_that_is_taken_back_at_once_is_answered_as_it_was() {
    let store = mk_store().await;
    let terms: Vec<_> = (0..300).map(|term| format!("t-{term}")).collect();
    let mut terms: Vec<_> = terms.iter().map(String::as_str).collect();
    terms.push("!a");
    let mut held = Vec::new();
    for number in 0..10 {
        let own = format!("own-{number}");
        let mut terms = terms.clone();
        terms.push(&own);
        let revision = present(&store, &terms).await.revision;
        held.push(begin(&store, &terms, Some(revision)));
    }
    create(&store, "a").await;
    store.delete(mk_key("a")).await.unwrap();
    for answer in future::join_all(held).await {
        assert_eq!(answer.unwrap().outcome, State::Failed);
    }
}

#[tokio::test]
async fn creates_beyond_the_limit_are_refused_and_deletes_make_room() {
    let budget = Budget {
        total: 64 << 10,
        per_namespace: 16 << 10,
    };
    let backend = Arc::new(Memory::new(budget));
    let store = Store::open(backend, mk_limits(), Arc::new(SystemClock));
    let store = store.await.unwrap();
    let mut created = 0;
    let error = loop {
        let key = mk_key(&format!("v-{created}"));
        match store.assert(key, mk_hand()).await {
            Ok(_) => created += 1,
            Err(error) => break error.to_string(),
        }
    };
    let text = "variables in namespace default take 16 KiB, the limit: delete some";
    assert!(error.starts_with(text), "{error}");
    assert!((5..50).contains(&created), "{created}");
    let other = VariableKey::new("other".parse().unwrap(), "a".parse().unwrap());
    store.assert(other, mk_hand()).await.unwrap();
    store.assert(mk_key("v-0"), mk_hand()).await.unwrap();
    store.delete(mk_key("v-0")).await.unwrap();
    create(&store, "v-9").await;
}

fn waiters_in(store: &Store, namespace: &str) -> usize {
    let namespace = namespace.parse().unwrap();
    store.waiters(Some(&namespace), 1000, None).waiters.len()
}

fn mk_limits() -> Limits {
    Limits::within(1000, StoreMemory::default())
}

/// Returns a watch that has shown the state in which it began.
async fn synced(store: &Store, scope: Scope) -> Watch {
    let mut watch = store.watch(scope, &Namespace::default()).unwrap();
    while !matches!(watch.next().await.unwrap(), WatchEvent::Synced(_)) {}
    watch
}

async fn next_change(watch: &mut Watch) -> Change {
    match watch.next().await.unwrap() {
        WatchEvent::Change(change) => change,
        WatchEvent::Synced(_) => unreachable!("a watch is synced once"),
    }
}

/// The time of day as tokio's paused clock has it.
struct PausedClock(Instant);

impl PausedClock {
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000) + self.0.elapsed()
    }
}

async fn mk_store() -> Store {
    mk_store_with(
        Limits::within(1000, StoreMemory::default()),
        Arc::new(SystemClock),
    )
    .await
}

async fn mk_store_with(limits: Limits, clock: Arc<dyn Clock>) -> Store {
    Store::open(Arc::new(Memory::new(Budget::UNLIMITED)), limits, clock)
        .await
        .unwrap()
}

async fn create(store: &Store, name: &str) {
    store.assert(mk_key(name), mk_hand()).await.unwrap();
}

async fn assert_by(store: &Store, name: &str, pod: &str) {
    let assertion = NewAssertion {
        id: AssertionId::of(mk_owner(pod), Kind::Live),
        ..mk_hand()
    };
    store.assert(mk_key(name), assertion).await.unwrap();
}

/// Tells the store of a pod that was created now, and perhaps released.
fn see_waiting(store: &Store, name: &str, reason: Option<&str>) {
    store.set_pod(&DependentPod {
        waits: true,
        id: mk_owner(name),
        created: store.now(),
        release: Ok(reason.map(|reason| reason.parse().unwrap())),
    });
}

/// Returns a pod whose name is its uid.
fn mk_owner(name: &str) -> Owner {
    Owner::pod(Namespace::default(), name, name)
}

async fn present(store: &Store, terms: &[&str]) -> Arc<Answer> {
    wait(store, terms, None).await.unwrap()
}

async fn wait(
    store: &Store,
    terms: &[&str],
    revision: Option<Revision>,
) -> Result<Arc<Answer>, WaitError> {
    begin(store, terms, revision).await
}

fn begin(store: &Store, terms: &[&str], revision: Option<Revision>) -> Waiting {
    begin_as(store, terms, (None, revision))
}

/// A pod with its wait for no failure.
#[derive(Clone, Copy)]
struct WaitingSince {
    uid: &'static str,
    since: Timestamp,
}

impl WaitingSince {
    fn request(self, revision: Option<Revision>) -> WaitRequest {
        WaitRequest {
            who: Waiter {
                namespace: Namespace::default(),
                pod: Some(self.uid.into()),
                uid: Some(self.uid.into()),
                since: self.since,
            },
            conditions: [mk_condition("!x/failed")].into(),
            revision,
            knows_release: false,
        }
    }

    async fn judged(self, store: &Store) -> State {
        store.wait(self.request(None)).await.unwrap().outcome
    }
}

/// Begins to wait as the pod with this uid.
fn begin_as(store: &Store, terms: &[&str], who: (Option<&str>, Option<Revision>)) -> Waiting {
    store.wait(mk_request(terms, who))
}

fn mk_request(terms: &[&str], (uid, revision): (Option<&str>, Option<Revision>)) -> WaitRequest {
    WaitRequest {
        who: Waiter {
            namespace: Namespace::default(),
            pod: Some("pod".into()),
            uid: uid.map(Into::into),
            since: Timestamp::default(),
        },
        conditions: terms.iter().map(|term| mk_condition(term)).collect(),
        revision,
        knows_release: false,
    }
}

fn states(answer: &Answer) -> Vec<State> {
    answer.states().collect()
}

fn mk_condition(term: &str) -> Condition {
    let term: Term = term.parse().unwrap();
    term.condition(&Namespace::default()).unwrap().unwrap()
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

fn mk_hand() -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: None,
        ttl: None,
        existing: Existing::Replace,
    }
}
