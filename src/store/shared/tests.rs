use oncue_language::{Keys, ObjectKind, Owner, Term};
use proptest::prelude::*;

use super::*;
use crate::{
    cross_namespace::CrossNamespace,
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

fn mk_question(conditions: &Arc<[Condition]>, grace: Grace) -> Question<'_> {
    Question {
        conditions,
        grace,
        reader: None,
    }
}

fn judged(shared: &Shared) -> Result<Answer, WaitError> {
    shared.judge(&mk_conditions(), (Grace::Over, &Namespace::default()))
}

#[test]
fn an_object_is_forgotten_unless_someone_has_asked_for_it_since_the_last_look() {
    let shared = mk_shared();
    shared.set_object(&mk_job(), Some(ObjectState::Holds));
    judged(&shared).unwrap();
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
    judged(&shared).unwrap();
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), []);
}

#[test]
fn a_forgotten_object_is_asked_for_again() {
    let shared = mk_shared();
    shared.set_object(&mk_job(), Some(ObjectState::Holds));
    assert_eq!(shared.forget_unasked_objects(vec![mk_job()]), [mk_job()]);
    judged(&shared).unwrap();
    let mut known = shared.state.lock();
    let asker = Namespace::default();
    assert_eq!(known.asked.take_unknown(), [(mk_job(), asker)].into());
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
                let before = judge(&known.world, &mk_question(&conditions, grace), None);
                let place = known.waiters.hold(mk_wait(None).who, &before).unwrap();
                (before, place)
            });
            shared.take_over(updates(change, &shared));
            for (before, mut place) in held {
                let known = shared.state.lock();
                let now = judge(&known.world, &mk_question(&before.conditions, grace), None);
                drop(known);
                let is_answered = place.answer.try_recv().is_ok();
                let flips = !now.states().eq(before.states());
                prop_assert!(is_answered || !flips, "{} {:?}", before.conditions[0], change);
                shared.leave(place.ticket);
            }
        }
    }
}

fn ns(name: &str) -> Namespace {
    name.parse().unwrap()
}

/// Returns a store that shows nothing of a namespace without its annotation.
fn mk_closed() -> Shared {
    let shared = mk_shared();
    shared.set_policy(Policy::new(CrossNamespace::Annotated, [], &Keys::default()));
    shared.know_namespaces(Knowledge::Complete);
    shared
}

/// Waits from a namespace, until a state changes.
fn wait_from(shared: &Shared, namespace: &str, term: &str) -> Place {
    let request = WaitRequest {
        who: Waiter {
            namespace: ns(namespace),
            ..mk_wait(None).who
        },
        conditions: [mk_condition(term)].into(),
        ..mk_wait(Some(shared.revision()))
    };
    let wait = NewWait {
        request,
        until: Until::Changed,
        now: Timestamp::default(),
    };
    match shared.wait(wait) {
        Ok(Entry::Held(place)) => place,
        Ok(Entry::Answered(answer)) => unreachable!("{answer:?}"),
        Err(error) => unreachable!("{error}"),
    }
}

fn answered(place: &mut Place) -> Option<State> {
    place.answer.try_recv().ok().map(|answer| answer.outcome)
}

#[test]
fn a_forbidden_wait_is_held_and_ends_when_the_namespace_permits_it() {
    let shared = mk_closed();
    shared.take_over(updates(("a", Some((0, 0, "v"))), &shared));
    let mut of_shop = wait_from(&shared, "shop", "a");
    let mut of_till = wait_from(&shared, "till", "a");
    assert_eq!(shared.stats().waiters, 2);

    shared.set_readers(&Namespace::default(), Some("shop".into()));
    assert_eq!(answered(&mut of_shop), Some(State::Held));
    assert_eq!(answered(&mut of_till), None);
    shared.set_readers(&Namespace::default(), Some("*".into()));
    assert_eq!(answered(&mut of_till), Some(State::Held));
}

#[test]
fn a_wait_that_becomes_forbidden_is_told_so() {
    let shared = mk_closed();
    shared.set_readers(&Namespace::default(), Some("shop".into()));
    shared.take_over(updates(("a", Some((0, 0, "v"))), &shared));
    let mut held = wait_from(&shared, "shop", "a");
    shared.retain_readers(&BTreeSet::new());
    assert_eq!(answered(&mut held), Some(State::Missing));
}

#[test]
fn a_forbidden_failure_does_not_end_a_wait() {
    let shared = mk_closed();
    let mut held = wait_from(&shared, "shop", "!a");
    shared.take_over(updates(("a", Some((0, 0, "v"))), &shared));
    assert_eq!(answered(&mut held), None);
    shared.set_readers(&Namespace::default(), Some("shop".into()));
    assert_eq!(answered(&mut held), Some(State::Failed));
}

#[test]
fn an_object_is_asked_for_once_it_may_be_known() {
    let shared = mk_closed();
    let _held = wait_from(&shared, "shop", "job:m");
    assert!(shared.state.lock().asked.take_unknown().is_empty());
    shared.set_readers(&Namespace::default(), Some("shop".into()));
    let asked = shared.state.lock().asked.take_unknown();
    assert_eq!(asked, [(mk_job(), ns("shop"))].into());
}

#[test]
fn an_earlier_revision_is_compared_by_what_could_be_read_then() {
    let shared = mk_closed();
    shared.take_over(updates(("a", Some((0, 0, "v"))), &shared));
    let before = shared.revision();
    shared.set_readers(&Namespace::default(), Some("shop".into()));
    let request = WaitRequest {
        who: Waiter {
            namespace: ns("shop"),
            ..mk_wait(None).who
        },
        conditions: [mk_condition("a")].into(),
        ..mk_wait(Some(before))
    };
    let wait = NewWait {
        request,
        until: Until::Changed,
        now: Timestamp::default(),
    };
    let entry = shared.wait(wait).unwrap();
    assert!(matches!(entry, Entry::Answered(answer) if answer.outcome == State::Held));
}

#[test]
fn one_namespace_leaves_room_for_the_waiters_and_watchers_of_others() {
    let limits = Limits {
        waiters: 9,
        watchers: 9,
        ..Limits::within(100, StoreMemory::default())
    };
    let shared = Arc::new(Shared::new(limits, Epoch::new(7)));
    let _held: Vec<_> = (0..8).map(|_| wait_from(&shared, "shop", "a")).collect();
    let watch = |namespace: &str| shared.watch(Scope::default(), &ns(namespace));
    let _watched: Vec<_> = (0..8).map(|_| watch("shop").unwrap()).collect();

    let wait = NewWait {
        request: WaitRequest {
            who: Waiter {
                namespace: ns("shop"),
                ..mk_wait(None).who
            },
            conditions: [mk_condition("a")].into(),
            ..mk_wait(Some(shared.revision()))
        },
        until: Until::Changed,
        now: Timestamp::default(),
    };
    let refused = shared.wait(wait).err().unwrap().to_string();
    assert!(
        refused.starts_with("the namespace shop has 8 of at most 9 waiters"),
        "{refused}"
    );
    let refused = watch("shop").unwrap_err().to_string();
    assert!(
        refused.starts_with("the namespace shop has 8 of at most 9 watchers"),
        "{refused}"
    );

    let _other = wait_from(&shared, "till", "a");
    watch("till").unwrap();
}
