use oncue_language::{ObjectKind, Term};

use super::*;
use crate::memory::StoreMemory;

fn mk_shared() -> Shared {
    let limits = Limits::within(100, StoreMemory::default());
    let shared = Shared::new(limits, Epoch::new(7));
    shared.judge_objects(ObjectSource::Fed);
    shared
}

fn mk_job() -> ObjectKey {
    ObjectKey::named(ObjectKind::Job, Some(Namespace::default()), "m")
}

fn mk_conditions() -> Arc<[Condition]> {
    let term: Term = "job:m".parse().unwrap();
    let condition = term.condition(&Namespace::default()).unwrap().unwrap();
    [condition].into()
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
        .wait(
            mk_wait(Some(shared.revision())),
            Until::Settled,
            Timestamp::default(),
        )
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
