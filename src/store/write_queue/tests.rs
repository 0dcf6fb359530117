use std::slice;

use oncue_language::{Owner, Value};

use super::*;
use crate::{
    life::{Assertion, Timestamp},
    store::{Action, Existing},
};

fn mk_queue(all: usize, of_namespace: usize) -> WriteQueue {
    WriteQueue::new(WriteLimits { all, of_namespace })
}

fn mk_id(namespace: &str, owner: &str, kind: Kind) -> (VariableKey, AssertionId) {
    let namespace: Namespace = namespace.parse().unwrap();
    let owner = Owner::pod(namespace.clone(), owner, owner);
    let key = VariableKey::new(namespace, "a".parse().unwrap());
    (key, AssertionId::of(owner, kind))
}

fn mk_assert(namespace: &str, owner: &str, value: Option<&str>) -> Mutation {
    mk_assert_of(mk_id(namespace, owner, Kind::Live), value)
}

fn mk_assert_of((key, id): (VariableKey, AssertionId), value: Option<&str>) -> Mutation {
    let assertion = Assertion {
        id,
        value: value.map(|it| it.parse::<Value>().unwrap()),
        since: Timestamp::default(),
        expires: None,
    };
    let existing = Existing::Replace;
    let action = Action::Assert {
        assertion,
        existing,
    };
    Mutation { key, action }
}

fn mk_withdraw((key, id): (VariableKey, AssertionId)) -> Mutation {
    let action = Action::Withdraw(id);
    Mutation { key, action }
}

impl WriteQueue {
    fn start_all(&mut self) -> Vec<Mutation> {
        self.start(|_| true)
    }
}

#[test]
fn a_namespace_never_has_more_than_its_share_in_flight() {
    let mut queue = mk_queue(4, 2);
    for owner in ["1", "2", "3"] {
        queue.put(mk_assert("crowded", owner, None));
    }
    assert_eq!(queue.start_all().len(), 2);
    queue.put(mk_assert("other", "1", None));
    assert_eq!(queue.start_all(), [mk_assert("other", "1", None)]);
    let now = Instant::now();
    queue.ended(&mk_assert("crowded", "1", None), WriteEnd::Done, now);
    assert_eq!(queue.start_all(), [mk_assert("crowded", "3", None)]);
}

#[test]
fn namespaces_take_turns() {
    let mut queue = mk_queue(1, 1);
    for (namespace, owner) in [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1")] {
        queue.put(mk_assert(namespace, owner, None));
    }
    let mut turns = Vec::new();
    while let [started] = &queue.start_all()[..] {
        turns.push(started.key.namespace.to_string());
        queue.ended(started, WriteEnd::Done, Instant::now());
    }
    assert_eq!(turns, ["a", "b", "c", "a"]);
}

#[test]
fn what_is_queued_or_in_flight_is_not_written_again() {
    let mut queue = mk_queue(2, 2);
    let mutation = mk_assert("shop", "1", None);
    queue.put(mutation.clone());
    queue.put(mutation.clone());
    assert_eq!(queue.start_all(), slice::from_ref(&mutation));
    queue.put(mutation.clone());
    queue.ended(&mutation, WriteEnd::Done, Instant::now());
    assert_eq!(queue.start_all(), []);
    queue.put(mutation.clone());
    assert_eq!(queue.start_all(), [mutation]);
}

#[test]
fn what_waits_is_written_as_it_is_wanted_last_or_not_at_all() {
    let mut queue = mk_queue(1, 1);
    let first = mk_assert("shop", "1", None);
    queue.put(first.clone());
    queue.start_all();
    queue.put(mk_assert("shop", "2", Some("old")));
    queue.put(mk_assert("shop", "3", None));
    queue.put(mk_assert("shop", "2", Some("new")));
    queue.ended(&first, WriteEnd::Done, Instant::now());
    let unwanted = mk_assert("shop", "2", Some("new"));
    let started = queue.start(|it| *it != unwanted);
    assert_eq!(started, [mk_assert("shop", "3", None)]);
    queue.ended(&started[0], WriteEnd::Done, Instant::now());
    assert_eq!(queue.start_all(), []);
    assert!(queue.shares.is_empty());
}

#[test]
fn changes_do_not_overtake_each_other_in_an_assertion_and_outcomes_not_in_a_variable() {
    let id = |owner, kind| mk_id("shop", owner, kind);
    for (is_together, first, second) in [
        (false, id("1", Kind::Live), id("1", Kind::Live)),
        (true, id("1", Kind::Live), id("2", Kind::Live)),
        (true, id("1", Kind::Live), id("1", Kind::Ready)),
        (true, id("1", Kind::Live), id("1", Kind::Durable)),
        (false, id("1", Kind::Durable), id("2", Kind::Durable)),
    ] {
        let mut queue = mk_queue(2, 2);
        let (first, second) = (mk_assert_of(first, None), mk_withdraw(second));
        queue.put(first.clone());
        assert_eq!(queue.start_all(), slice::from_ref(&first));
        queue.put(second.clone());
        let started = queue.start_all();
        assert_eq!(!started.is_empty(), is_together, "{first:?} {second:?}");
        if !is_together {
            queue.ended(&first, WriteEnd::Done, Instant::now());
            assert_eq!(queue.start_all(), [second]);
        }
    }
}

/// Returns the seconds after which a write is tried again, time after time.
fn pauses(end: WriteEnd, times: usize) -> Vec<u64> {
    let mut queue = mk_queue(1, 1);
    let mut now = Instant::now();
    queue.put(mk_assert("shop", "1", None));
    let pauses = (0..times).map(|_| {
        let started = queue.start_all();
        queue.ended(&started[0], end, now);
        let due = queue.next_retry().unwrap();
        queue.retry(due - Duration::from_millis(1));
        assert_eq!(queue.start_all(), [], "it is not due");
        queue.retry(due);
        (due - std::mem::replace(&mut now, due)).as_secs()
    });
    pauses.collect()
}

#[test]
fn what_fails_is_tried_ever_less_often() {
    let refused = pauses(WriteEnd::Refused, 40);
    assert_eq!(refused[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(refused[39], 300);
    let failed = pauses(WriteEnd::Failed, 40);
    assert_eq!(failed[..6], [1, 2, 4, 8, 15, 15]);
}

#[test]
fn only_something_else_is_written_before_the_pause_is_over() {
    let key = || mk_id("shop", "1", Kind::Live);
    let before = mk_assert_of(key(), None);
    for (is_written, wanted) in [
        (false, before.clone()),
        (true, mk_assert_of(key(), Some("v"))),
        (true, mk_withdraw(key())),
    ] {
        let (mut queue, now) = (mk_queue(1, 1), Instant::now());
        queue.put(before.clone());
        queue.start_all();
        queue.ended(&before, WriteEnd::Refused, now);
        queue.put(wanted.clone());
        assert_eq!(!queue.start_all().is_empty(), is_written, "{wanted:?}");
        assert_eq!(queue.next_retry().is_none(), is_written, "{wanted:?}");
        if is_written {
            // The pauses begin anew.
            queue.ended(&wanted, WriteEnd::Refused, now);
            assert_eq!(queue.next_retry(), Some(now + Duration::from_secs(1)));
        }
    }
}

#[test]
fn a_success_ends_a_failure() {
    let (mut queue, mutation) = (mk_queue(1, 1), mk_assert("shop", "1", None));
    let namespace = &mutation.key.namespace;
    queue.put(mutation.clone());
    queue.start_all();
    queue.ended(&mutation, WriteEnd::Refused, Instant::now());
    assert!(queue.is_failing(namespace));
    queue.retry(queue.next_retry().unwrap());
    queue.start_all();
    assert!(queue.is_failing(namespace));
    queue.ended(&mutation, WriteEnd::Done, Instant::now());
    assert!(!queue.is_failing(namespace));
    assert!(queue.shares.is_empty());
}

#[test]
fn a_failure_is_tried_again_although_something_else_was_wanted_for_a_while() {
    let mut queue = mk_queue(1, 1);
    let wanted = mk_assert("shop", "1", None);
    queue.put(wanted.clone());
    queue.start_all();
    queue.put(mk_assert("shop", "1", Some("v")));
    queue.put(wanted.clone());
    queue.ended(&wanted, WriteEnd::Failed, Instant::now());
    queue.retry(queue.next_retry().unwrap());
    assert_eq!(queue.start_all(), [wanted]);
}

#[test]
fn what_is_forgotten_still_counts_while_it_is_in_flight() {
    let mut queue = mk_queue(1, 1);
    let (first, second) = (mk_assert("shop", "1", None), mk_assert("shop", "2", None));
    queue.put(first.clone());
    queue.put(second.clone());
    queue.start_all();
    queue.clear();
    queue.put(second.clone());
    assert_eq!(queue.start_all(), []);
    queue.ended(&first, WriteEnd::Done, Instant::now());
    assert_eq!(queue.start_all(), [second]);
}
