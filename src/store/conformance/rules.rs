//! What every backend must do with one request after another, and with concurrent ones.

use std::sync::Arc;

use futures_util::future;
use parking_lot::Mutex;

use super::{Ground, Grounds};
use crate::{
    language::{Namespace, Value, VariableKey},
    life::{Asserter, Assertion, AssertionId, Kind, Owner, Timestamp},
    store::{Action, Committed, Effect, Existing, Feed, Mutation, Update, Variables},
    world::Variable,
};

/// Runs all rules, each on a ground of its own that is empty.
pub(super) async fn conforms(grounds: &mut impl Grounds) {
    tells_created_from_changed_and_unchanged(&grounds.empty(1).await).await;
    keeps_a_value_where_that_is_asked(&grounds.empty(1).await).await;
    keeps_since_and_takes_the_new_expiry(&grounds.empty(1).await).await;
    keeps_assertions_of_different_kinds_apart(&grounds.empty(1).await).await;
    deletes_all_assertions_at_once(&grounds.empty(1).await).await;
    expires_what_has_ended_and_nothing_else(&grounds.empty(1).await).await;
    keeps_namespaces_apart(&grounds.empty(1).await).await;
    tells_the_feed_before_it_answers(&grounds.empty(1).await).await;
    gives_a_late_feed_everything(&grounds.empty(1).await).await;
    one_of_many_concurrent_creates_is_the_first(&grounds.empty(1).await).await;
    feeds_concurrent_changes_in_the_order_of_their_commits(&grounds.empty(1).await).await;
}

async fn tells_created_from_changed_and_unchanged(ground: &Ground) {
    let key = ground.key("a/b");
    for (value, effect) in [
        ("x", Effect::Created),
        ("x", Effect::Unchanged),
        ("y", Effect::Changed),
        ("y", Effect::Unchanged),
    ] {
        let committed = assert(ground, &key, mk_hand(value)).await;
        assert_eq!(committed.effect, effect, "{value}");
        assert_eq!(value_of(&committed), value);
    }
    let committed = assert(ground, &key, ground.owned("p", Kind::Live)).await;
    assert_eq!(committed.effect, Effect::Changed);
    assert_eq!(kept(ground, &key).await.owners(), 2);
}

async fn keeps_a_value_where_that_is_asked(ground: &Ground) {
    let key = ground.key("a");
    let keep = |value| Action::Assert {
        assertion: mk_hand(value),
        existing: Existing::KeepValue,
    };
    let created = commit(ground, &key, keep("x")).await;
    assert_eq!(created.effect, Effect::Created);
    let again = commit(ground, &key, keep("y")).await;
    assert_eq!(again.effect, Effect::Unchanged);
    assert_eq!(value_of(&again), "x");
    let brief = Assertion {
        expires: Some(Timestamp::MAX),
        ..mk_hand("y")
    };
    assert(ground, &key, brief).await;
    let lasting = commit(ground, &key, keep("z")).await;
    assert_eq!(lasting.effect, Effect::Changed);
    assert_eq!(*lasting.assertion.unwrap(), mk_hand("y"));
}

async fn keeps_since_and_takes_the_new_expiry(ground: &Ground) {
    let key = ground.key("a");
    let at = |since, expires| Assertion {
        since: Timestamp::from_millis(since),
        expires: Some(Timestamp::from_millis(expires)),
        ..mk_hand("x")
    };
    assert(ground, &key, at(10, 20)).await;
    let committed = assert(ground, &key, at(15, 25)).await;
    assert_eq!(*committed.assertion.unwrap(), at(10, 25));
    let late = assert(ground, &key, at(25, 35)).await;
    assert_eq!(*late.assertion.unwrap(), at(25, 35));
    assert_eq!(kept(ground, &key).await.assertions().count(), 1);
}

async fn keeps_assertions_of_different_kinds_apart(ground: &Ground) {
    let key = ground.key("a");
    assert(ground, &key, ground.owned("p", Kind::Durable)).await;
    assert(ground, &key, ground.owned("p", Kind::Live)).await;
    let both = kept(ground, &key).await;
    assert_eq!((both.assertions().count(), both.owners()), (2, 1));
    let withdraw = |kind| Action::Withdraw(ground.owned("p", kind).id);
    let live_gone = commit(ground, &key, withdraw(Kind::Live)).await;
    assert_eq!(live_gone.effect, Effect::Changed);
    let again = commit(ground, &key, withdraw(Kind::Live)).await;
    assert_eq!(again.effect, Effect::Unchanged);
    let all_gone = commit(ground, &key, withdraw(Kind::Durable)).await;
    assert_eq!(all_gone.effect, Effect::Deleted);
}

async fn deletes_all_assertions_at_once(ground: &Ground) {
    let key = ground.key("a");
    assert(ground, &key, mk_hand("x")).await;
    assert(ground, &key, ground.owned("p", Kind::Live)).await;
    assert(ground, &ground.key("a/b"), mk_hand("x")).await;
    assert_eq!(
        commit(ground, &key, Action::Delete).await.effect,
        Effect::Deleted
    );
    assert_eq!(
        commit(ground, &key, Action::Delete).await.effect,
        Effect::Unchanged
    );
    let below = assert(ground, &ground.key("a/b"), mk_hand("x")).await;
    assert_eq!(below.effect, Effect::Unchanged);
}

async fn expires_what_has_ended_and_nothing_else(ground: &Ground) {
    let key = ground.key("a");
    let until = |name, millis| Assertion {
        expires: Some(Timestamp::from_millis(millis)),
        ..ground.owned(name, Kind::Live)
    };
    for assertion in [until("p", 10), until("q", 11), mk_hand("x")] {
        assert(ground, &key, assertion).await;
    }
    let expire = |millis| Action::Expire {
        id: until("p", 10).id,
        now: Timestamp::from_millis(millis),
    };
    assert_eq!(
        commit(ground, &key, expire(9)).await.effect,
        Effect::Unchanged
    );
    commit(ground, &key, expire(10)).await;
    assert_eq!(
        ids(&kept(ground, &key).await),
        [AssertionId::HAND, until("q", 11).id]
    );
}

async fn keeps_namespaces_apart(ground: &Ground) {
    let other = VariableKey {
        namespace: ground.namespaces[1].clone(),
        ..ground.key("a")
    };
    assert(ground, &ground.key("a"), mk_hand("x")).await;
    let created = assert(ground, &other, mk_hand("y")).await;
    assert_eq!(created.effect, Effect::Created);
    commit(ground, &ground.key("a"), Action::Delete).await;
    let kept = assert(ground, &other, mk_hand("y")).await;
    assert_eq!(kept.effect, Effect::Unchanged);
}

async fn tells_the_feed_before_it_answers(ground: &Ground) {
    let heard = Heard::start(ground).await;
    let created = assert(ground, &ground.key("a"), mk_hand("x")).await;
    let heard_of: Vec<_> = heard
        .variables()
        .assertions()
        .map(|(_, it)| Arc::clone(it))
        .collect();
    assert_eq!(heard_of, [created.assertion.unwrap()]);
    assert(ground, &ground.key("a"), mk_hand("x")).await;
    commit(ground, &ground.key("a"), Action::Delete).await;
    commit(ground, &ground.key("a"), Action::Delete).await;
    assert_eq!(heard.variables().count(), 0);
    assert_eq!(heard.effects(), 2, "what changes nothing is not told");
}

async fn gives_a_late_feed_everything(ground: &Ground) {
    assert(ground, &ground.key("b"), mk_hand("x")).await;
    assert(ground, &ground.key("a"), mk_hand("x")).await;
    let early = Heard::start(ground).await;
    assert(ground, &ground.key("c"), mk_hand("x")).await;
    let late = Heard::start(ground).await;
    assert_eq!(early.variables().count(), 3);
    assert_eq!(late.variables(), early.variables());
}

async fn one_of_many_concurrent_creates_is_the_first(ground: &Ground) {
    let key = ground.key("a");
    let creates = (0..50).map(|n| assert(ground, &key, ground.owned(&numbered_pod(n), Kind::Live)));
    let committed = future::join_all(creates).await;
    let first = committed.iter().filter(|c| c.effect == Effect::Created);
    assert_eq!(first.count(), 1);
    assert_eq!(kept(ground, &key).await.owners(), 50);
}

async fn feeds_concurrent_changes_in_the_order_of_their_commits(ground: &Ground) {
    let heard = Heard::start(ground).await;
    let change = |n: usize| async move {
        let key = ground.key(["a", "a/b", "c"][n % 3]);
        match n % 5 {
            0 => commit(ground, &key, Action::Delete).await,
            _ => assert(ground, &key, ground.owned(&numbered_pod(n), Kind::Live)).await,
        }
    };
    future::join_all((0..NUMBERED_PODS).map(change)).await;
    let late = Heard::start(ground).await;
    assert_eq!(heard.variables(), late.variables());
}

/// A feed that records the changes in the namespaces of the ground.
struct Heard {
    namespaces: [Namespace; 2],
    state: Mutex<(Variables, usize)>,
}

impl Heard {
    /// Returns a new feed, which the backend feeds from now on.
    async fn start(ground: &Ground) -> Arc<Self> {
        let heard = Arc::new(Self {
            namespaces: ground.namespaces.clone(),
            state: Mutex::default(),
        });
        let started = ground.backend().start(Arc::clone(&heard) as _).await;
        started.unwrap();
        heard
    }

    fn variables(&self) -> Variables {
        self.state.lock().0.clone()
    }

    fn effects(&self) -> usize {
        self.state.lock().1
    }
}

impl Feed for Heard {
    fn reset(&self, variables: &Variables) {
        let mut own = Variables::default();
        let all = variables.assertions();
        for (key, assertion) in all.filter(|(key, _)| self.namespaces.contains(&key.namespace)) {
            own.put(&key, Arc::clone(assertion));
        }
        self.state.lock().0 = own;
    }

    fn committed(&self, updates: &[Update]) {
        let mut state = self.state.lock();
        let is_own = |it: &&Update| self.namespaces.contains(&it.key.namespace);
        for update in updates.iter().filter(is_own) {
            state.1 += 1;
            state.0.apply(update);
        }
    }
}

impl Ground {
    fn key(&self, name: &str) -> VariableKey {
        VariableKey::new(self.namespaces[0].clone(), name.parse().unwrap())
    }

    fn owned(&self, name: &str, kind: Kind) -> Assertion {
        Assertion {
            id: AssertionId {
                asserter: Asserter::Owner(Owner::pod(
                    self.namespaces[0].clone(),
                    name,
                    self.uid(name),
                )),
                kind,
                object: None,
            },
            ..mk_hand("x")
        }
    }

    fn uid(&self, pod: &str) -> String {
        let uid = self.uids.get(pod).cloned();
        uid.unwrap_or_else(|| format!("uid-of-{pod}"))
    }
}

/// The number of pods that the rules only count.
pub(super) const NUMBERED_PODS: usize = 200;

pub(super) fn numbered_pod(number: usize) -> String {
    format!("p-{number}")
}

/// Returns the variable as a new feed gets it.
async fn kept(ground: &Ground, key: &VariableKey) -> Variable {
    let heard = Heard::start(ground).await;
    heard.variables().get(key).unwrap().clone()
}

async fn assert(ground: &Ground, key: &VariableKey, assertion: Assertion) -> Committed {
    let existing = Existing::Replace;
    commit(
        ground,
        key,
        Action::Assert {
            assertion,
            existing,
        },
    )
    .await
}

async fn commit(ground: &Ground, key: &VariableKey, action: Action) -> Committed {
    let key = key.clone();
    ground
        .backend()
        .commit(Mutation { key, action })
        .await
        .unwrap()
}

fn value_of(committed: &Committed) -> &str {
    let assertion = committed.assertion.as_ref().unwrap();
    assertion.value.as_ref().map(Value::as_str).unwrap()
}

fn ids(variable: &Variable) -> Vec<AssertionId> {
    variable.assertions().map(|it| it.id.clone()).collect()
}

fn mk_hand(value: &str) -> Assertion {
    Assertion {
        id: AssertionId::HAND,
        value: Some(value.parse().unwrap()),
        since: Timestamp::from_millis(1),
        expires: None,
    }
}
