//! The bytes that a store counts for its variables are at least those that it allocates.
//!
//! A program of its own: the counting allocator is the process's.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    alloc::System,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use oncue::{
    language::{Namespace, VariableKey},
    life::{AssertionId, Kind, Owner, Timestamp},
    memory::{Budget, StoreMemory},
    store::{Clock, Existing, Limits, Memory, NewAssertion, Store, StoreError},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const LIMIT: usize = 4 << 20;

/// What is created again and again, until the limit is reached.
type Shape = fn(usize) -> (VariableKey, NewAssertion);

#[test]
fn variables_never_take_more_than_their_limit_and_not_much_less() {
    let shapes: [(&str, Shape); 10] = [
        ("short names", |i| {
            (mk_key("shop", &format!("s{i}")), by_hand())
        }),
        ("long names", |i| {
            (
                mk_key("shop", &format!("{i:06}{}", "n".repeat(240))),
                by_hand(),
            )
        }),
        ("deep names", |i| {
            (
                mk_key("shop", &format!("{i}{}", "/a".repeat(100))),
                by_hand(),
            )
        }),
        ("large values", |i| {
            let value = Some("v".repeat(4096).parse().unwrap());
            let assertion = NewAssertion { value, ..by_hand() };
            (mk_key("shop", &format!("s{i}")), assertion)
        }),
        ("a namespace each", |i| {
            (mk_key(&format!("n{i}"), "s"), by_hand())
        }),
        ("owners of one variable", |i| {
            (mk_key("shop", "one"), by_pod(&format!("p{i}"), "u"))
        }),
        ("owners of one variable, each with its value", |i| {
            let value = Some(format!("v{i}").parse().unwrap());
            let assertion = by_pod(&format!("p{i}"), "u");
            (mk_key("shop", "one"), NewAssertion { value, ..assertion })
        }),
        ("variables below the same names", |i| {
            let name = format!("a/b/c/{i}");
            (mk_key("shop", &name), by_hand())
        }),
        ("owners with long names", |i| {
            let name = format!("{i:08}{}", "p".repeat(240));
            (mk_key("shop", "one"), by_pod(&name, &"u".repeat(253)))
        }),
        ("objects of one variable, under names of their own", |i| {
            (mk_key("shop", "one"), in_object(&format!("by-hand-{i}")))
        }),
    ];
    for (name, shape) in shapes {
        let taken = allocated_at_the_limit(shape);
        assert!(taken <= LIMIT, "{name}: {taken} of {LIMIT} bytes");
        assert!(taken >= LIMIT / 5, "{name}: only {taken} of {LIMIT} bytes");
    }
}

/// A clock that shows another moment each time: moments that are alike share their memory.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Returns how many bytes a store has allocated when it refuses the next assertion.
fn allocated_at_the_limit(shape: Shape) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let budget = Budget {
            total: LIMIT,
            per_namespace: LIMIT,
        };
        let memory = StoreMemory {
            watch_backlog: 0,
            ..StoreMemory::default()
        };
        let limits = Limits::within(1000, memory);
        let backend = Arc::new(Memory::new(budget));
        let store = Store::open(backend, limits, Arc::new(Ticking::default()));
        let store = store.await.unwrap();
        fill_history(&store, shape).await;
        let region = Region::new(ALLOCATOR);
        for i in 0.. {
            let (key, assertion) = shape(i);
            if let Err(error) = store.assert(key, assertion).await {
                assert!(matches!(error, StoreError::OverLimit(_)), "{error}");
                break;
            }
        }
        let change = region.change();
        change.bytes_allocated - change.bytes_deallocated
    })
}

/// Makes as many changes as a store remembers: they have a budget of their own.
async fn fill_history(store: &Store, shape: Shape) {
    for i in 1_000_000..1_005_000 {
        let (key, assertion) = shape(i);
        store.assert(key.clone(), assertion).await.unwrap();
        store.delete(key).await.unwrap();
    }
}

fn mk_key(namespace: &str, name: &str) -> VariableKey {
    let namespace: Namespace = namespace.parse().unwrap();
    VariableKey::new(namespace, name.parse().unwrap())
}

fn by_hand() -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: None,
        ttl: None,
        existing: Existing::Replace,
    }
}

fn in_object(name: &str) -> NewAssertion {
    NewAssertion {
        id: AssertionId {
            object: Some(name.into()),
            ..AssertionId::HAND
        },
        ..by_hand()
    }
}

fn by_pod(name: &str, uid: &str) -> NewAssertion {
    let owner = Owner::pod(Namespace::default(), name, uid);
    NewAssertion {
        id: AssertionId::of(owner, Kind::Live),
        ..by_hand()
    }
}
