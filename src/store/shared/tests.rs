use oncue_language::{ObjectKind, Owner, Term};
use proptest::prelude::*;

use super::*;
use crate::{
    life::{Assertion, AssertionId, Kind},
    memory::StoreMemory,
    store::{Action, Existing, Mutation},
};

fn mk_shared() -> Shared {
    let limits = Limits::within(100, StoreMemory::default());
    let shared = Shared::new(limits, Epoch::new(7));
    shared.judge_objects(ObjectSource::Fed);
    shared
}

fn mk_job() -> ObjectKey {
    ObjectKey::named(ObjectKind::Job, Some(Namespace::default()), "m")
}

fn mk_condition(term: &str) -> Condition {
    let term: Term = term.parse().unwrap();
    term.condition(&Namespace::default()).unwrap().unwrap()
}

fn mk_conditions() -> Arc<[Condition]> {
    [mk_condition("job:m")].into()
}

fn mk_wait(revision: Option<Revision>) -> WaitRequest {
    WaitRequest {
        who: Waiter {
            namespace: Namespace::default(),
            pod: None,
            uid: None,
            since: Timestamp::default(),
        },
        conditions: mk_conditions(),
        revision,
        knows_release: false,
    }
}

#[test]
fn an_object_is_forgotten_unless_someone_has_asked_for_it_since_the_last_look() {
    let shared = mk_shared();
    shared.set_object(&mk_job(), Some(ObjectState::Holds));
    shared.judge(&mk_conditions(), Grace::Over).unwrap();
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), []);
    assert_eq!(shared.asked_known_objects(), [mk_job()].into());
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), [mk_job()]);
    assert!(!shared.knows_object(&mk_job()));
}

#[test]
fn an_object_is_not_forgotten_under_a_held_waiter() {
    let shared = mk_shared();
    let pending = ObjectState::Pending("0 of 1".to_owned());
    shared.set_object(&mk_job(), Some(pending));
    let Entry::Held(place) = shared
        .wait(NewWait {
            request: mk_wait(Some(shared.revision())),
            until: Until::Settled,
            now: Timestamp::default(),
        })
        .ok()
        .unwrap()
    else {
        unreachable!("the Job is missing");
    };
    shared.asked_known_objects();
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), []);
    shared.leave(place.ticket);
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), [mk_job()]);
}

#[test]
fn an_unknown_object_that_someone_has_just_asked_for_is_not_forgotten() {
    let shared = mk_shared();
    shared.judge(&mk_conditions(), Grace::Over).unwrap();
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), []);
}

#[test]
fn a_forgotten_object_is_asked_for_again() {
    let shared = mk_shared();
    shared.set_object(&mk_job(), Some(ObjectState::Holds));
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), [mk_job()]);
    shared.judge(&mk_conditions(), Grace::Over).unwrap();
    let mut known = shared.state.lock();
    assert_eq!(known.asked.take_unknown(), [mk_job()].into());
}

/// What is done to a variable: by whom, when and with which value, or that it is deleted.
type Change = (&'static str, Option<(u8, u64, &'static str)>);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let name = prop::sample::select(["a", "a/x", "a/x/y", "a-b", "b"].as_slice());
    let value = prop::sample::select(["v", "w"].as_slice());
    let assertion = prop::option::weighted(0.8, (0..3u8, 0..20u64, value));
    prop::collection::vec((name, assertion), 1..40)
}

/// Returns what a change does to the variables that are there.
fn updates((name, assertion): Change, shared: &Shared) -> Vec<Update> {
    let action = assertion.map_or(Action::Delete, |(owner, since, value)| {
        let owner = Owner::pod(Namespace::default(), owner.to_string(), "uid");
        Action::Assert {
            assertion: Assertion {
                id: AssertionId::of(owner, Kind::Durable),
                value: Some(value.parse().unwrap()),
                since: Timestamp::from_millis(since * 1_000),
                expires: None,
            },
            existing: Existing::Replace,
        }
    });
    let key = VariableKey::new(Namespace::default(), name.parse().unwrap());
    let mutation = Mutation { key, action };
    mutation
        .decide(shared.state.lock().world.variables())
        .updates
}

proptest! {
    #[test]
    fn a_change_that_flips_a_state_of_a_young_pod_ends_its_wait(changes in changes()) {
        let terms = [
            "!a", "!a=v", "!a>=2", "!a/x", "!a/*", "!a/*>=2", "!a/x/*", "a", "a=v", "a>=2", "a/*",
        ];
        let conditions = terms.map(|term| Arc::from([mk_condition(term)]));
        let shared = mk_shared();
        let grace = Grace::of_pod(Timestamp::from_millis(10_000), Timestamp::default());
        for change in changes {
            let held = conditions.clone().map(|conditions| {
                let mut known = shared.state.lock();
                let before = judge(&known.world, (&conditions, grace), None);
                let place = known.waiters.hold(mk_wait(None).who, &before).unwrap();
                (before, place)
            });
            shared.take_over(updates(change, &shared));
            for (before, mut place) in held {
                let known = shared.state.lock();
                let now = judge(&known.world, (&before.conditions, grace), None);
                drop(known);
                let is_answered = place.answer.try_recv().is_ok();
                let flips = !now.states().eq(before.states());
                prop_assert!(is_answered || !flips, "{} {:?}", before.conditions[0], change);
                shared.leave(place.ticket);
            }
        }
    }
}
