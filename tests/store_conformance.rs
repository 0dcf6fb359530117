//! What every backend must do, run on each of them.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it fails"
)]

use std::sync::{Arc, Mutex};

use futures_util::future;
use oncue::{
    language::{Namespace, Value, VariableKey},
    life::{Asserter, Assertion, AssertionId, Kind, Owner, Timestamp},
    memory::Budget,
    store::{
        Action, Backend, Committed, Effect, Embedded, Existing, Feed, Memory, Mutation, Update,
        Variables,
    },
    world::Variable,
};

#[tokio::test]
async fn memory_conforms() {
    conforms(|| Arc::new(Memory::new(Budget::UNLIMITED))).await;
}

#[tokio::test]
async fn embedded_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    conforms(|| {
        number += 1;
        Arc::new(
            Embedded::open(
                &directory.path().join(number.to_string()),
                Budget::UNLIMITED,
            )
            .unwrap(),
        )
    })
    .await;
}

/// Runs the whole suite, each part on a backend of its own that is empty.
async fn conforms<B: Backend + 'static>(mut empty: impl FnMut() -> Arc<B>) {
    tells_created_from_changed_and_unchanged(&*empty()).await;
    keeps_a_value_where_that_is_asked(&*empty()).await;
    keeps_since_and_takes_the_new_expiry(&*empty()).await;
    keeps_assertions_of_different_kinds_apart(&*empty()).await;
    deletes_all_assertions_at_once(&*empty()).await;
    expires_what_has_ended_and_nothing_else(&*empty()).await;
    keeps_namespaces_apart(&*empty()).await;
    tells_the_feed_before_it_answers(&*empty()).await;
    gives_a_late_feed_everything(&*empty()).await;
    one_of_many_concurrent_creates_is_the_first(&*empty()).await;
    feeds_concurrent_changes_in_the_order_of_their_commits(empty()).await;
}

async fn tells_created_from_changed_and_unchanged(backend: &dyn Backend) {
    let key = mk_key("a/b");
    for (value, effect) in [
        ("x", Effect::Created),
        ("x", Effect::Unchanged),
        ("y", Effect::Changed),
        ("y", Effect::Unchanged),
    ] {
        let committed = assert(backend, &key, mk_hand(value)).await;
        assert_eq!(committed.effect, effect, "{value}");
        assert_eq!(value_of(&committed), value);
    }
    let committed = assert(backend, &key, mk_owned("p", Kind::Live)).await;
    assert_eq!(committed.effect, Effect::Changed);
    assert_eq!(kept(backend, &key).await.owners(), 2);
}

async fn keeps_a_value_where_that_is_asked(backend: &dyn Backend) {
    let key = mk_key("a");
    let keep = |value| Action::Assert {
        assertion: mk_hand(value),
        existing: Existing::KeepValue,
    };
    let created = commit(backend, &key, keep("x")).await;
    assert_eq!(created.effect, Effect::Created);
    let again = commit(backend, &key, keep("y")).await;
    assert_eq!(again.effect, Effect::Unchanged);
    assert_eq!(value_of(&again), "x");
    let brief = Assertion {
        expires: Some(Timestamp::MAX),
        ..mk_hand("y")
    };
    assert(backend, &key, brief).await;
    let lasting = commit(backend, &key, keep("z")).await;
    assert_eq!(lasting.effect, Effect::Changed);
    assert_eq!(*lasting.assertion.unwrap(), mk_hand("y"));
}

async fn keeps_since_and_takes_the_new_expiry(backend: &dyn Backend) {
    let key = mk_key("a");
    let at = |since, expires| Assertion {
        since: Timestamp::from_millis(since),
        expires: Some(Timestamp::from_millis(expires)),
        ..mk_hand("x")
    };
    assert(backend, &key, at(10, 20)).await;
    let committed = assert(backend, &key, at(15, 25)).await;
    assert_eq!(*committed.assertion.unwrap(), at(10, 25));
    let late = assert(backend, &key, at(25, 35)).await;
    assert_eq!(*late.assertion.unwrap(), at(25, 35));
    assert_eq!(kept(backend, &key).await.assertions().count(), 1);
}

async fn keeps_assertions_of_different_kinds_apart(backend: &dyn Backend) {
    let key = mk_key("a");
    assert(backend, &key, mk_owned("p", Kind::Durable)).await;
    assert(backend, &key, mk_owned("p", Kind::Live)).await;
    let both = kept(backend, &key).await;
    assert_eq!((both.assertions().count(), both.owners()), (2, 1));
    let withdraw = |kind| Action::Withdraw(mk_owned("p", kind).id);
    let live_gone = commit(backend, &key, withdraw(Kind::Live)).await;
    assert_eq!(live_gone.effect, Effect::Changed);
    let again = commit(backend, &key, withdraw(Kind::Live)).await;
    assert_eq!(again.effect, Effect::Unchanged);
    let all_gone = commit(backend, &key, withdraw(Kind::Durable)).await;
    assert_eq!(all_gone.effect, Effect::Deleted);
}

async fn deletes_all_assertions_at_once(backend: &dyn Backend) {
    let key = mk_key("a");
    assert(backend, &key, mk_hand("x")).await;
    assert(backend, &key, mk_owned("p", Kind::Live)).await;
    assert(backend, &mk_key("a/b"), mk_hand("x")).await;
    assert_eq!(
        commit(backend, &key, Action::Delete).await.effect,
        Effect::Deleted
    );
    assert_eq!(
        commit(backend, &key, Action::Delete).await.effect,
        Effect::Unchanged
    );
    let below = assert(backend, &mk_key("a/b"), mk_hand("x")).await;
    assert_eq!(below.effect, Effect::Unchanged);
}

async fn expires_what_has_ended_and_nothing_else(backend: &dyn Backend) {
    let key = mk_key("a");
    let until = |name, millis| Assertion {
        expires: Some(Timestamp::from_millis(millis)),
        ..mk_owned(name, Kind::Live)
    };
    for assertion in [until("p", 10), until("q", 11), mk_hand("x")] {
        assert(backend, &key, assertion).await;
    }
    let expire = |millis| Action::Expire {
        id: until("p", 10).id,
        now: Timestamp::from_millis(millis),
    };
    assert_eq!(
        commit(backend, &key, expire(9)).await.effect,
        Effect::Unchanged
    );
    commit(backend, &key, expire(10)).await;
    assert_eq!(
        ids(&kept(backend, &key).await),
        [AssertionId::HAND, until("q", 11).id]
    );
}

async fn keeps_namespaces_apart(backend: &dyn Backend) {
    let other = VariableKey {
        namespace: "other".parse().unwrap(),
        ..mk_key("a")
    };
    assert(backend, &mk_key("a"), mk_hand("x")).await;
    let created = assert(backend, &other, mk_hand("y")).await;
    assert_eq!(created.effect, Effect::Created);
    commit(backend, &mk_key("a"), Action::Delete).await;
    let kept = assert(backend, &other, mk_hand("y")).await;
    assert_eq!(kept.effect, Effect::Unchanged);
}

async fn tells_the_feed_before_it_answers(backend: &dyn Backend) {
    let heard = Arc::new(Heard::default());
    backend.start(Arc::clone(&heard) as _).await.unwrap();
    let created = assert(backend, &mk_key("a"), mk_hand("x")).await;
    let heard_of: Vec<_> = heard
        .variables()
        .assertions()
        .map(|(_, it)| Arc::clone(it))
        .collect();
    assert_eq!(heard_of, [created.assertion.unwrap()]);
    assert(backend, &mk_key("a"), mk_hand("x")).await;
    commit(backend, &mk_key("a"), Action::Delete).await;
    commit(backend, &mk_key("a"), Action::Delete).await;
    assert_eq!(heard.variables().count(), 0);
    assert_eq!(heard.effects(), 2, "what changes nothing is not told");
}

async fn gives_a_late_feed_everything(backend: &dyn Backend) {
    assert(backend, &mk_key("b"), mk_hand("x")).await;
    assert(backend, &mk_key("a"), mk_hand("x")).await;
    let (early, late) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
    backend.start(Arc::clone(&early) as _).await.unwrap();
    assert(backend, &mk_key("c"), mk_hand("x")).await;
    backend.start(Arc::clone(&late) as _).await.unwrap();
    assert_eq!(early.variables().count(), 3);
    assert_eq!(late.variables(), early.variables());
}

async fn one_of_many_concurrent_creates_is_the_first(backend: &dyn Backend) {
    let key = mk_key("a");
    let creates = (0..50).map(|n| assert(backend, &key, mk_owned(&format!("p-{n}"), Kind::Live)));
    let committed = future::join_all(creates).await;
    let first = committed.iter().filter(|c| c.effect == Effect::Created);
    assert_eq!(first.count(), 1);
    assert_eq!(kept(backend, &key).await.owners(), 50);
}

async fn feeds_concurrent_changes_in_the_order_of_their_commits<B: Backend + 'static>(
    backend: Arc<B>,
) {
    let heard = Arc::new(Heard::default());
    backend.start(Arc::clone(&heard) as _).await.unwrap();
    let change = |n: usize| {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move {
            let key = mk_key(["a", "a/b", "c"][n % 3]);
            match n % 5 {
                0 => commit(&*backend, &key, Action::Delete).await,
                _ => assert(&*backend, &key, mk_owned(&format!("p-{n}"), Kind::Live)).await,
            }
        })
    };
    future::try_join_all((0..200).map(change)).await.unwrap();
    let late = Arc::new(Heard::default());
    backend.start(Arc::clone(&late) as _).await.unwrap();
    assert_eq!(heard.variables(), late.variables());
}

/// A feed that records its changes.
#[derive(Default)]
struct Heard {
    state: Mutex<(Variables, usize)>,
}

impl Heard {
    fn variables(&self) -> Variables {
        self.state.lock().unwrap().0.clone()
    }

    fn effects(&self) -> usize {
        self.state.lock().unwrap().1
    }
}

impl Feed for Heard {
    fn reset(&self, variables: &Variables) {
        self.state.lock().unwrap().0 = variables.clone();
    }

    fn committed(&self, updates: &[Update]) {
        let mut state = self.state.lock().unwrap();
        for update in updates {
            state.1 += 1;
            state.0.apply(update);
        }
    }
}

/// Returns the variable as a new feed gets it.
async fn kept(backend: &dyn Backend, key: &VariableKey) -> Variable {
    let heard = Arc::new(Heard::default());
    backend.start(Arc::clone(&heard) as _).await.unwrap();
    heard.variables().get(key).unwrap().clone()
}

async fn assert(backend: &dyn Backend, key: &VariableKey, assertion: Assertion) -> Committed {
    let existing = Existing::Replace;
    commit(
        backend,
        key,
        Action::Assert {
            assertion,
            existing,
        },
    )
    .await
}

async fn commit(backend: &dyn Backend, key: &VariableKey, action: Action) -> Committed {
    let key = key.clone();
    backend.commit(Mutation { key, action }).await.unwrap()
}

fn value_of(committed: &Committed) -> &str {
    let assertion = committed.assertion.as_ref().unwrap();
    assertion.value.as_ref().map(Value::as_str).unwrap()
}

fn ids(variable: &Variable) -> Vec<AssertionId> {
    variable.assertions().map(|it| it.id.clone()).collect()
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

fn mk_hand(value: &str) -> Assertion {
    Assertion {
        id: AssertionId::HAND,
        value: Some(value.parse().unwrap()),
        since: Timestamp::from_millis(1),
        expires: None,
    }
}

fn mk_owner(name: &str) -> Owner {
    Owner::pod(Namespace::default(), name, "uid")
}

fn mk_owned(name: &str, kind: Kind) -> Assertion {
    Assertion {
        id: AssertionId {
            asserter: Asserter::Owner(mk_owner(name)),
            kind,
            object: None,
        },
        ..mk_hand("x")
    }
}
