//! What is due, and races between several servers.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::*;

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
}

/// Time at which an authority from the start is due for renewal.
fn late() -> SystemTime {
    start() + Duration::from_hours(3000 * 24)
}

fn mk_authority() -> Authority {
    Authority::generate(start()).unwrap()
}

/// Reads an authority as it would be read from where it is kept.
fn copy(authority: &Authority) -> Authority {
    Authority::from_pem(&authority.key().to_pem(), &authority.bundle_pem()).unwrap()
}

/// A place in memory whose state has a number; every call gives way to the others once.
#[derive(Debug, Default)]
struct Shelf(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    number: u64,
    authority: Option<Authority>,
    raced: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

impl Keeper for &Shelf {
    type Version = u64;
    type Error = Never;

    async fn read(&self) -> Result<Kept<u64>, Never> {
        give_way().await;
        let state = self.0.lock().unwrap();
        Ok(Kept {
            authority: state.authority.as_ref().map(copy),
            version: state.number,
        })
    }

    async fn write(&self, authority: &Authority, version: u64) -> Result<Written, Never> {
        give_way().await;
        let mut state = self.0.lock().unwrap();
        if state.number != version {
            state.raced += 1;
            return Ok(Written::Raced);
        }
        state.number += 1;
        state.authority = Some(copy(authority));
        Ok(Written::Done)
    }
}

/// Is pending once, so that others come in between.
async fn give_way() {
    let mut gave_way = false;
    poll_fn(|_| {
        if std::mem::replace(&mut gave_way, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Runs futures in turns, one step each, until all are done.
fn run_in_turns<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let outputs: Vec<_> = futures.iter().map(|_| RefCell::new(None)).collect();
    let mut futures = futures;
    let mut context = Context::from_waker(Waker::noop());
    while outputs.iter().any(|output| output.borrow().is_none()) {
        for (future, output) in futures.iter_mut().zip(&outputs) {
            let mut output = output.borrow_mut();
            if output.is_none()
                && let Poll::Ready(value) = pin!(future).poll(&mut context)
            {
                *output = Some(value);
            }
        }
    }
    outputs
        .into_iter()
        .filter_map(RefCell::into_inner)
        .collect()
}

fn look(custody: &mut Custody<&Shelf>, now: SystemTime) -> Arc<Authority> {
    run_in_turns(vec![custody.look(now)]).remove(0).unwrap()
}

#[test]
fn makes_an_authority_only_where_nobody_has_one() {
    let held = Arc::new(mk_authority());
    assert!(matches!(due(None, None, start()), Due::Make));
    let lost = due(Some(&held), None, start());
    assert!(matches!(lost, Due::Restore(restored) if restored == held));
    let lost_and_old = due(Some(&held), None, late());
    assert!(matches!(lost_and_old, Due::Restore(_)));
}

#[test]
fn what_is_kept_is_right() {
    let held = Arc::new(mk_authority());
    let other = mk_authority();
    let adopted = due(None, Some(copy(&other)), start());
    assert!(matches!(adopted, Due::Adopt(found) if found == other));
    let adopted = due(Some(&held), Some(copy(&other)), start());
    assert!(matches!(adopted, Due::Adopt(found) if found == other));
    let kept = due(Some(&held), Some(copy(&held)), start());
    assert!(matches!(kept, Due::Keep(_)));
}

#[test]
fn renews_what_it_holds_after_two_thirds_of_its_time() {
    let held = Arc::new(mk_authority());
    let renewed = due(Some(&held), Some(copy(&held)), late());
    assert!(matches!(renewed, Due::Renew(found) if found == *held));
    let adopted = due(None, Some(copy(&held)), late());
    assert!(matches!(adopted, Due::Adopt(_)));
}

#[test]
fn of_several_who_start_at_once_one_makes_the_authority() {
    let shelf = Shelf::default();
    let mut custodies = [0; 5].map(|_| Custody::new(&shelf));
    let looks = custodies.iter_mut().map(|it| it.look(start())).collect();
    let held: Vec<_> = run_in_turns(looks)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(held.iter().all(|authority| *authority == held[0]));
    let state = shelf.0.lock().unwrap();
    assert_eq!((state.number, state.raced), (1, 4));
    assert_eq!(state.authority.as_ref(), Some(&*held[0]));
}

#[test]
fn of_several_who_renew_at_once_one_does() {
    let shelf = Shelf::default();
    let mut custodies = [0; 3].map(|_| Custody::new(&shelf));
    let made = look(&mut custodies[0], start());
    let looks = custodies.iter_mut().map(|it| it.look(late())).collect();
    let held: Vec<_> = run_in_turns(looks)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(held.iter().all(|authority| *authority == held[0]));
    assert_eq!(held[0].certificates().count(), 2);
    assert_eq!(held[0].key().to_pem(), made.key().to_pem());
    assert_eq!(shelf.0.lock().unwrap().number, 2);
}

#[test]
fn what_was_lost_is_written_back() {
    let shelf = Shelf::default();
    let mut custody = Custody::new(&shelf);
    let made = look(&mut custody, start());
    shelf.0.lock().unwrap().authority = None;
    assert_eq!(look(&mut custody, start()), made);
    assert_eq!(shelf.0.lock().unwrap().authority.as_ref(), Some(&*made));
}

#[test]
fn goes_on_with_an_authority_that_was_replaced() {
    let shelf = Shelf::default();
    let mut custody = Custody::new(&shelf);
    look(&mut custody, start());
    let other = mk_authority();
    shelf.0.lock().unwrap().authority = Some(copy(&other));
    assert_eq!(*look(&mut custody, start()), other);
}

#[test]
fn a_place_that_never_rests_is_an_error() {
    struct Restless;

    impl Keeper for Restless {
        type Version = ();
        type Error = Never;

        async fn read(&self) -> Result<Kept<()>, Never> {
            Ok(Kept {
                authority: None,
                version: (),
            })
        }

        async fn write(&self, _: &Authority, (): ()) -> Result<Written, Never> {
            Ok(Written::Raced)
        }
    }

    let mut custody = Custody::new(Restless);
    let error = run_in_turns(vec![custody.look(start())])
        .remove(0)
        .unwrap_err();
    assert!(matches!(error, CustodyError::Contended));
}
